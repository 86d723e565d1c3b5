"""Optimizers by name, with the parameters grouped as they should be."""

from deepfit.nn.optimizers.build import BUILDERS, build
from deepfit.nn.optimizers.lamb import Lamb
from deepfit.nn.optimizers.muon import Muon
from deepfit.nn.optimizers.paces import layer_factor, paced
from deepfit.nn.optimizers.schedule_free import ScheduleFree

__all__ = ["BUILDERS", "Lamb", "Muon", "ScheduleFree", "build", "layer_factor", "paced"]
