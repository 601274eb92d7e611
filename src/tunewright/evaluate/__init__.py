"""How good a system's answers are: task (test items and metrics), judge, scorers, statistics."""

from tunewright.evaluate.judge import ArmScores, judge
from tunewright.evaluate.task import MetricChoice, TestItem, choose_metrics, test_items

__all__ = ["ArmScores", "MetricChoice", "TestItem", "choose_metrics", "judge", "test_items"]
