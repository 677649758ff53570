"""The simulated sensor: light to electrons to digital numbers, by the photon-transfer model of EMVA 1288."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from scipy.special import ndtri

from acquisition.devices import Pixels
from rig_configs.cameras import PixelFormat
from rig_configs.simulation import SensorNoise

# The standard normal's quantiles at the middle of 2^16 equal shares: one lookup a pixel instead of a Box-Muller pair.
_NORMAL_QUANTILES = ndtri((np.arange(1 << 16) + 0.5) / (1 << 16)).astype(np.float32)


class Sensor:
    """One sensor, with the fixed pattern that it was born with.

    Args:
        noise: photon-transfer model.
        pixel_format: format of its frames.
        gain_db: analogue gain: digital numbers an electron grow by 10^(dB/20), and the well that they can show shrinks as much.
        seed: of the fixed pattern.
    """

    def __init__(self, noise: SensorNoise, pixel_format: PixelFormat, gain_db: float, seed: int) -> None:
        self._noise = noise
        self._format = pixel_format
        self.gain = (pixel_format.full_scale_dn - noise.black_level_dn) / noise.full_well_e * 10 ** (gain_db / 20)
        """Digital numbers an electron."""
        self._fixed = np.random.SeedSequence([seed, 21]).generate_state(1, np.uint64)[0]

    def digitise(self, light: NDArray[np.float32], exposure_us: float, seed: int, frame: int) -> Pixels:
        """Expose.

        Args:
            light: (H, W) or (H, W, 3) on the sensor, full wells a second.
            exposure_us: how long.
            seed: of the noise; frames of the same seed and number have the same, whatever the threads.
            frame: number of the frame.

        Returns:
            Digital numbers of the light's shape, uint8 or uint16.
        """
        noise = self._noise
        pixels = np.empty(light.shape, np.uint8 if self._format.bits == 8 else np.uint16)
        key = np.random.SeedSequence([seed, frame]).generate_state(1, np.uint64)[0]
        _digitise(
            light.reshape(-1), noise.full_well_e * exposure_us * 1e-6, noise.read_noise_e, noise.black_level_dn, self.gain, self._format.full_scale_dn,
            noise.prnu_percent / 100, noise.dsnu_e, key, self._fixed, _NORMAL_QUANTILES, pixels.reshape(-1),
        )  # fmt: skip
        return pixels


@njit(cache=True, inline="always")
def _hash(x):
    """SplitMix64's finaliser (Steele et al. 2014): a counter to 64 good bits."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(cache=True, parallel=True)
def _digitise(light, scale, read_noise, black, gain, full_scale, prnu, dsnu, key, fixed, quantiles, out):
    """Electrons, fixed pattern, shot and read noise, digital numbers. A pixel's noise hangs on ``key`` and the pixel alone."""
    scale, read2 = np.float32(scale), np.float32(read_noise * read_noise)
    gain, black, full = np.float32(gain), np.float32(black + 0.5), np.float32(full_scale)
    prnu, dsnu = np.float32(prnu), np.float32(dsnu)
    uneven = prnu > 0 or dsnu > 0
    for i in prange(out.size):
        counter = np.uint64(i) * np.uint64(0x9E3779B97F4A7C15)
        electrons, offset = light[i] * scale, np.float32(0)
        if uneven:
            own = _hash(fixed + counter)
            electrons *= max(1 + prnu * quantiles[own >> np.uint64(48)], np.float32(0))
            offset = dsnu * quantiles[own & np.uint64(0xFFFF)]
        noise = quantiles[_hash(key + counter) >> np.uint64(48)]
        dn = black + gain * (electrons + offset + np.sqrt(electrons + read2) * noise)
        out[i] = min(max(dn, np.float32(0)), full)
