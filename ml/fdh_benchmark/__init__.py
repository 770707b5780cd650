"""A public benchmark: data and protocol of the "Reproducible Machine Learning for Credit Card Fraud
Detection" handbook.
"""
