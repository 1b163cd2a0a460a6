"""What a run writes for people and programs: JSON lines, TensorBoard, pictures, a progress line."""
