"""The grid of PacGAN (Lin et al., 2018, arXiv:1712.04086, section 4.1), in packs of two.

    python -m gan_jax.main --config=configs/grid_pacgan.py --workdir=runs/grid_pacgan

Never run whole by the authors of this file. All but the data is as in ring_pacgan.py, what is
unlike the published code too. Table 1 has 17.3 (GAN), 23.8 (m=2), 24.6 (m=3) and 24.8 (m=4) of 25
modes.
"""

from ml_collections import ConfigDict

from configs import ring_pacgan


def get_config() -> ConfigDict:
    """PacGAN2 on the grid."""
    config = ring_pacgan.get_config()
    config.data.name = "grid"
    return config
