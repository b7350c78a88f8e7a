-- Run once, by the image, when its volume is empty.
CREATE DATABASE label_studio;
