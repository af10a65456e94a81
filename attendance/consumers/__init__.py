"""The sockets: thin doors that check who asks, hand frames on, and shape the answers."""

from attendance.consumers.camera import CameraConsumer
from attendance.consumers.dashboard import DashboardConsumer
from attendance.consumers.nowhere import NowhereConsumer

__all__ = ["CameraConsumer", "DashboardConsumer", "NowhereConsumer"]
