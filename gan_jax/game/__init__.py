"""The two players, their losses and penalties, and how they are updated."""
