"""Where each role lands, and the links in its header."""

from __future__ import annotations

from clinician_api.i18n import N_

HOME = {
    "nurse": "/inbox",
    "physician": "/physician",
    "patient": "/me",
    "next_of_kin": "/kin",
    "operator": "/operations",
    "coordinator": "/operations",
}
"""Where each role lands after sign-in."""

NAVIGATION: dict[str, list[tuple[str, str]]] = {
    "nurse": [
        ("/inbox", N_("Inbox")),
        ("/patients", N_("Patients")),
        ("/unassigned", N_("Unassigned readings")),
    ],
    "physician": [("/physician", N_("Patients"))],
    "operator": [("/operations", N_("Operations")), ("/quarantine", N_("Quarantine"))],
    "coordinator": [("/operations", N_("Operations"))],
    "patient": [("/me", N_("Today"))],
    "next_of_kin": [("/kin", N_("Today"))],
}
"""Links in the header, by role: address and text."""
