"""Studies: many trials, trained side by side or run by run, and the table of what they measured."""
