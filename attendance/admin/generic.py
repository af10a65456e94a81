"""Django's generic admin classes, subscriptable at run time as the type checker sees them."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline
    ModelForm = forms.ModelForm
else:

    class ModelAdmin(admin.ModelAdmin):
        def __class_getitem__(cls, _model: Any) -> type:
            return cls

    class TabularInline(admin.TabularInline):
        def __class_getitem__(cls, _models: Any) -> type:
            return cls

    class ModelForm(forms.ModelForm):
        def __class_getitem__(cls, _model: Any) -> type:
            return cls


__all__ = ["ModelAdmin", "ModelForm", "TabularInline"]
