"""Words for codes: levels, states, causes, kinds, symptoms. Texts are message ids (clinician_api.i18n)."""

from __future__ import annotations

from clinician_api.i18n import N_

LEVELS = {"red": N_("Red"), "yellow": N_("Yellow"), "grey": N_("Grey"), "green": N_("Green")}
CONDITIONS = {
    "heart_failure": N_("heart failure"),
    "hypertension": N_("high blood pressure"),
    "diabetes": N_("diabetes"),
    "copd": N_("COPD"),
    "atrial_fibrillation": N_("atrial fibrillation"),
}
KINDS = {
    "weight": N_("weight"),
    "blood_pressure": N_("blood pressure"),
    "heart_rate": N_("heart rate"),
    "symptoms": N_("symptoms"),
    "unreadable": N_("unreadable"),
}
QUANTITIES = {
    "systolic": N_("systolic"),
    "diastolic": N_("diastolic"),
    "pulse": N_("pulse"),
    "weight": N_("weight"),
}
DIRECTIONS = {"above": N_("over"), "below": N_("under")}
SYMPTOMS = {
    "breathlessness": N_("breathlessness"),
    "orthopnoea": N_("hard to lie flat"),
    "swelling": N_("swelling"),
    "dizziness": N_("dizziness"),
}
GRADES = {1: N_("a little more"), 2: N_("clearly more"), 3: N_("much more")}
FLAGS = {
    "body_movement": N_("moved during the measurement"),
    "cuff_too_loose": N_("loose cuff"),
    "irregular_pulse": N_("irregular pulse"),
    "pulse_below_range": N_("pulse too low to measure"),
    "pulse_above_range": N_("pulse too high to measure"),
    "improper_position": N_("wrong position"),
    "no_sensor_contact": N_("no skin contact"),
}
EVENTS = {
    "opened": N_("Opened by the rules"),
    "joined": N_("A new deviation joined"),
    "notified": N_("Notified"),
    "escalated": N_("Passed on, as nobody had acknowledged"),
    "escalated:contact": N_("Passed on, as nobody had been in touch"),
    "acknowledged": N_("Acknowledged"),
    "contacted": N_("Contact"),
    "consulted": N_("Physician consulted"),
    "snoozed": N_("Snoozed"),
    "closed": N_("Closed"),
    "resolved": N_("Ended by itself"),
}
CAUSES = {
    "deterioration": N_("The patient is getting worse"),
    "technique": N_("Measuring technique or device"),
    "medicine": N_("Medicine"),
    "diet": N_("Food or drink"),
    "expected": N_("Expected"),
    "other": N_("Other"),
    "resolved": N_("Ended by itself"),
}
HOW = {
    "telephone": N_("Telephone"),
    "video": N_("Video"),
    "home_visit": N_("Home visit"),
    "at_unit": N_("At the unit"),
    "not_reached": N_("Tried, nobody reached"),
}
WITH_WHOM = {
    "patient": N_("The patient"),
    "next_of_kin": N_("Next of kin"),
    "home_care": N_("Home care staff"),
    "other": N_("Somebody else"),
}
STEPS = {
    "daytime": N_("Daytime"),
    "evenings_weekends": N_("Evenings and weekends"),
    "emergency": N_("Emergency"),
}

REASONS = {
    "bad_topic": N_("Wrong topic"),
    "too_large": N_("Too large"),
    "not_json": N_("Not JSON"),
    "unknown_schema": N_("Unknown schema version"),
    "invalid_reading": N_("Invalid reading"),
    "invalid_message": N_("Invalid message"),
    "unreadable": N_("The device's record cannot be read"),
    "unknown_gateway": N_("Unknown gateway"),
    "revoked_gateway": N_("Revoked gateway"),
    "clock_unverified": N_("Nobody knows when it was measured"),
    "measured_in_future": N_("Measured in the future"),
    "measured_too_long_ago": N_("Measured too long ago"),
    "storage_error": N_("The database refused it"),
}
"""Why something is in quarantine (ingest_service)."""

TABLES = {
    "reasons": REASONS,
    "levels": LEVELS,
    "conditions": CONDITIONS,
    "kinds": KINDS,
    "quantities": QUANTITIES,
    "directions": DIRECTIONS,
    "symptoms": SYMPTOMS,
    "grades": GRADES,
    "flags": FLAGS,
    "events": EVENTS,
    "causes": CAUSES,
    "how": HOW,
    "with_whom": WITH_WHOM,
    "steps": STEPS,
}
"""Templates reach these as `words.levels["red"]` and translate them with `_()`."""
