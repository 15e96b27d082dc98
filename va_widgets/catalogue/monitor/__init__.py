"""How good a published model still is on new clips: drift, and a sample to label."""

from va_widgets.catalogue.monitor.drift import FALSE_ALARMS
from va_widgets.catalogue.monitor.estimate import Estimate, Interval
from va_widgets.catalogue.monitor.report import MonitorReport, monitor

__all__ = ["FALSE_ALARMS", "Estimate", "Interval", "MonitorReport", "monitor"]
