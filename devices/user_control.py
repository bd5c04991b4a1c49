"""User Control Point (2A9F): who stands on the scale, with a consent code. Source: User Data Service 1.1."""

from __future__ import annotations

from enum import IntEnum

from devices.errors import DecodeError
from devices.fields import Fields, pack
from devices.measurement import Measurement

HIGHEST_CONSENT_CODE = 9999
_SUCCESS = 0x01


class Opcode(IntEnum):
    """What is asked, and the answer. The other codes are reserved."""

    REGISTER_NEW_USER = 0x01
    CONSENT = 0x02
    DELETE_USER_DATA = 0x03
    LIST_ALL_USERS = 0x04
    DELETE_USERS = 0x05
    RESPONSE = 0x20


_REQUESTS = frozenset(range(Opcode.REGISTER_NEW_USER, Opcode.DELETE_USERS + 1))
_WITH_INDEX = frozenset((Opcode.CONSENT, Opcode.DELETE_USERS))
_WITH_CODE = frozenset((Opcode.REGISTER_NEW_USER, Opcode.CONSENT))
_ANSWERED_WITH_INDEX = frozenset((Opcode.REGISTER_NEW_USER, Opcode.DELETE_USERS))


class UserControl(Measurement, frozen=True, kw_only=True, omit_defaults=True):
    """A request to the device, or (opcode 0x20) its answer; fields that the opcode lacks are left out.

    `response_value`: 1 success, 2 not supported, 3 invalid parameter, 4 failed, 5 not authorised.
    `user_index` 255 is the unknown user in a request to delete.
    """

    opcode: int
    user_index: int | None = None
    consent_code: int | None = None
    request_opcode: int | None = None
    response_value: int | None = None


def decode(frame: bytes, device_name: str | None = None) -> UserControl:
    """Return the request or answer. Trailing bytes (a list of users) are ignored.

    Raises DecodeError for a reserved opcode and for a frame shorter than its opcode says.
    """
    fields = Fields(frame)
    opcode = fields.uint8("the opcode")
    if opcode == Opcode.RESPONSE:
        return _answer(fields)
    if opcode not in _REQUESTS:
        raise DecodeError(f"opcode {opcode:#04x} is reserved; a User Control Point has 0x01-0x05 and 0x20")
    return UserControl(
        opcode=opcode,
        user_index=fields.uint8("the user index") if opcode in _WITH_INDEX else None,
        consent_code=fields.uint16("the consent code") if opcode in _WITH_CODE else None,
    )


def encode(control: UserControl) -> bytes:
    """Return the frame. Raises ValueError if a field that the opcode has is missing or does not fit."""
    opcode = Opcode(control.opcode)
    frame = bytes((opcode,))
    if opcode is Opcode.RESPONSE:
        request = _needed(control.request_opcode, "request_opcode")
        value = _needed(control.response_value, "response_value")
        frame += pack(request, 1, "request opcode") + pack(value, 1, "response value")
        has_index = request in _ANSWERED_WITH_INDEX and value == _SUCCESS
        return frame + (_index(control) if has_index else b"")
    if opcode in _WITH_INDEX:
        frame += _index(control)
    if opcode in _WITH_CODE:
        frame += _code(control)
    return frame


def _answer(fields: Fields) -> UserControl:
    request = fields.uint8("the request's opcode")
    value = fields.uint8("the response value")
    has_index = request in _ANSWERED_WITH_INDEX and value == _SUCCESS
    return UserControl(
        opcode=Opcode.RESPONSE.value,
        request_opcode=request,
        response_value=value,
        user_index=fields.uint8("the user index") if has_index else None,
    )


def _needed(value: int | None, what: str) -> int:
    if value is None:
        raise ValueError(f"this opcode needs {what} to fit the format")
    return value


def _index(control: UserControl) -> bytes:
    return pack(_needed(control.user_index, "user_index"), 1, "user index")


def _code(control: UserControl) -> bytes:
    code = _needed(control.consent_code, "consent_code")
    if not 0 <= code <= HIGHEST_CONSENT_CODE:
        raise ValueError(f"consent code {code} is outside the range 0-{HIGHEST_CONSENT_CODE}")
    return pack(code, 2, "consent code")
