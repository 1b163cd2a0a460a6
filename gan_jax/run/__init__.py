"""One GAN in training, in its folder."""
