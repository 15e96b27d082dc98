"""What moves in a clip: the camera, the subject and the light, as numbers, as features for learning and in words."""
