"""How the frameworks' models want their pictures, by the names that people know."""

from typing import Any

RGB_MEAN, RGB_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
UNIT = 1 / 255

# torchvision.transforms, tf.keras.applications.*.preprocess_input (modes torch, tf, caffe), CLIP's
# and YOLO's repositories.
PRESETS: dict[str, dict[str, Any]] = {
    "imagenet": {
        "crop": 0.875, "interpolation": "bilinear", "scale": UNIT, "mean": RGB_MEAN, "std": RGB_STD,
    },
    "0-to-1": {"scale": UNIT},
    "-1-to-1": {"scale": 1 / 127.5, "mean": [1.0]},
    "0-to-255": {},
    "caffe": {"resize": "stretch", "channels": "bgr", "mean": [103.939, 116.779, 123.68]},
    "clip": {
        "scale": UNIT,
        "mean": [0.48145466, 0.4578275, 0.40821073],
        "std": [0.26862954, 0.26130258, 0.27577711],
    },
    "yolo": {"resize": "letterbox", "interpolation": "bilinear", "scale": UNIT},
}  # fmt: skip
WORDS = {
    "imagenet": "torchvision's and timm's classifiers",
    "0-to-1": "numbers from 0 to 1",
    "-1-to-1": "numbers from -1 to 1: MobileNet, Inception, EfficientNetV2 and many of Keras's",
    "0-to-255": "bytes as they are",
    "caffe": "Keras's VGG and ResNet: BGR less its mean",
    "clip": "CLIP's image encoders",
    "yolo": "0 to 1, the whole picture in a frame",
}

# What pictures are resized to where neither the model nor anybody says.
SIZE, SIZES = (224, 224), {"yolo": (640, 640)}
