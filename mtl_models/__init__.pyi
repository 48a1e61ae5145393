from mtl_models.api import Experiment as Experiment
from mtl_models.api import Prediction as Prediction
from mtl_models.api import Predictor as Predictor
from mtl_models.api import TrainedExperiment as TrainedExperiment
from mtl_models.api import load_experiment as load_experiment
from mtl_models.api import load_model as load_model
from mtl_models.api import train_experiment as train_experiment

__version__: str
