"""The two players and how they move."""
