"""Studies: many trials, cut into jobs, run here or there."""
