"""What a run writes for people and programs: JSON lines, TensorBoard, a progress line."""
