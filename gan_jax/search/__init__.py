"""Search: trials that are stopped, replaced and changed while others train beside them."""
