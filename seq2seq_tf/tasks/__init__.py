"""What a training session needs of each task: data, model, validation."""
