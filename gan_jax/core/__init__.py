"""What everything stands on: errors, devices, random streams, processes."""
