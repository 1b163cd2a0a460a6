"""What the report of a study is made of: statistics over trials, figures and a page."""
