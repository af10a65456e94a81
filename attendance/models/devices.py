"""Additional cameras, projectors and kiosks: they hold a cookie for one session, and no login."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from attendance.models.base import Identified


class DeviceKind(models.TextChoices):
    CAMERA = "camera", _("camera")
    PROJECTOR = "projector", _("projector")
    KIOSK = "kiosk", _("kiosk")


class PairingCode(Identified):
    """A one-time code in a QR code, valid for five minutes. Only its digest is kept."""

    session = models.ForeignKey("Session", on_delete=models.CASCADE, related_name="pairing_codes")
    kind = models.CharField(max_length=10, choices=DeviceKind)
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey("User", on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.kind} for {self.session_id}"


class Device(Identified):
    """A device with rights for one session only; they end with the session, or when the device is revoked."""

    session = models.ForeignKey("Session", on_delete=models.CASCADE, related_name="devices")
    kind = models.CharField(_("kind"), max_length=10, choices=DeviceKind)
    label = models.CharField(_("name"), max_length=80, blank=True, default="")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    pin_hash = models.CharField(max_length=160, blank=True, default="", editable=False)
    created_by = models.ForeignKey("User", on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(_("until"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")

    def __str__(self) -> str:
        return self.label or self.get_kind_display()
