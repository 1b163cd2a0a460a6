"""A run's config: its fields, their checks, and the builder of what a run is made of."""
