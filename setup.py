"""The one thing that setup.cfg cannot say: configs/, at the top of the checkout, is a package in a wheel."""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["seq2seq_tf*"]), "seq2seq_tf.configs"])
