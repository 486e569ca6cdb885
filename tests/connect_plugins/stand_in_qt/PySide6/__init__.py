"""Stands in for Qt: which threads make and change widgets is what matters. Real Qt takes 200 MB."""
