"""fhir_audit_event.py DIR: every file in DIR is an AuditEvent as HL7 FHIR R4 defines it.

Written from the published structure definition of AuditEvent (FHIR 4.0.1, hl7.org/fhir/R4/auditevent.html): its elements with
their types and cardinalities, the invariant sev-1, the two required value sets (audit-event-action, audit-event-outcome) and the
codes of the extensible ones that are used here (audit-event-type, audit-event-sub-type and object-role of DICOM PS3.16 and ISO 21089,
audit-entity-type, dicom-audit-lifecycle, security-source-type, v3-ActReason).  Anything else is an error, so it is stricter
than a validator: no extension but data-absent-reason for a network that nobody recorded, no unknown element.  Each is also asked whether it is as the pattern that it
names (fhir_audit_pattern.py).
"""
import json
import os
import re
import sys

import fhir_audit_pattern

INSTANT = r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
TERMS = "http://terminology.hl7.org/CodeSystem/"
CODES = {
    "type": {DCM: {str(n) for n in range(110100, 110115)}, TERMS + "audit-event-type": {"rest"}},
    "subtype": {"http://hl7.org/fhir/restful-interaction": {"read", "vread", "update", "patch", "delete", "history", "create", "search"},
                DCM: {str(n) for n in range(110120, 110143)}, TERMS + "iso-21089-lifecycle": {"disclose"}},
    "entity.type": {TERMS + "audit-entity-type": {"1", "2", "3", "4"}},
    "entity.role": {TERMS + "object-role": {str(n) for n in range(1, 25)}},
    "entity.lifecycle": {TERMS + "dicom-audit-lifecycle": {str(n) for n in range(1, 16)}},
    "source.type": {TERMS + "security-source-type": {str(n) for n in range(1, 10)}},
    "agent.type": {TERMS + "extra-security-role-type": {"humanuser", "datasubject"}, DCM: {"110150", "110151", "110152", "110153", "110154", "110155"},
                   TERMS + "v3-RoleClass": {"AGNT"}, TERMS + "v3-ParticipationType": {"CST", "AUT", "IRCP"},
                   TERMS + "provenance-participant-type": {"custodian"}},
    "purpose": {TERMS + "v3-ActReason": {"TREAT", "HPAYMT", "HOPERAT", "HRESCH", "ETREAT", "PATRQT", "PUBHLTH", "HLEGAL", "FAMRQT"}},
}


class Bad(Exception):
    pass


def need(right, what):
    if not right:
        raise Bad(what)


def text(value, what, pattern=r"[\s\S]+"):
    need(isinstance(value, str) and re.fullmatch(pattern, value), f"{what}: {value!r}")


def boolean(value, what):
    need(isinstance(value, bool), f"{what} is no boolean")


def coding(of):
    def check(value, what):
        parts(value, what, {"system": (1, 1, text), "code": (1, 1, text), "display": (0, 1, text)})
        need(value["code"] in CODES[of].get(value["system"], ()), f"{what}: {value['code']} is not in its value set")
    return check


def concept(of):
    return lambda value, what: parts(value, what, {"coding": (0, None, coding(of)), "text": (0, 1, text)})


def words(value, what):
    parts(value, what, {"text": (1, 1, text)})


def reference(value, what):
    parts(value, what, {"reference": (0, 1, text), "type": (0, 1, lambda v, w: text(v, w, "Patient")), "display": (0, 1, text)})
    need(value, f"{what} is empty")


def parts(value, what, elements):
    """An object with exactly these elements: name -> (min, max, check); max None: a list."""
    need(isinstance(value, dict) and value, f"{what} is no object, or empty")
    for name in value:
        need(name in elements, f"{what} has {name}, which the definition has not")
    for name, (least, most, check) in elements.items():
        if name not in value:
            need(least == 0, f"{what} lacks {name}")
            continue
        if most is None:
            need(isinstance(value[name], list) and len(value[name]) >= max(least, 1), f"{what}.{name} is no list, or empty")
            for one in value[name]:
                check(one, f"{what}.{name}")
        else:
            check(value[name], f"{what}.{name}")


def detail(value, what):
    parts(value, what, {"type": (1, 1, text), "valueString": (0, 1, text), "valueBase64Binary": (0, 1, text)})
    need(("valueString" in value) != ("valueBase64Binary" in value), f"{what}: one value, no more")


def absent(value, what):
    parts(value, what, {"url": (1, 1, lambda v, w: text(v, w, "http://hl7.org/fhir/StructureDefinition/data-absent-reason")),
                        "valueCode": (1, 1, lambda v, w: text(v, w, "unknown"))})


def network(value, what):
    parts(value, what, {"extension": (1, None, absent)})


def agent(value, what):
    parts(value, what, {"type": (0, 1, concept("agent.type")), "who": (0, 1, reference), "altId": (0, 1, text), "name": (0, 1, text),
                        "role": (0, None, words), "requestor": (1, 1, boolean), "purposeOfUse": (0, None, concept("purpose")), "network": (0, 1, network)})


def source(value, what):
    parts(value, what, {"site": (0, 1, text), "observer": (1, 1, reference), "type": (0, None, coding("source.type"))})


def entity(value, what):
    parts(value, what, {"what": (0, 1, reference), "type": (0, 1, coding("entity.type")), "role": (0, 1, coding("entity.role")),
                        "lifecycle": (0, 1, coding("entity.lifecycle")), "name": (0, 1, text), "description": (0, 1, text),
                        "query": (0, 1, text), "detail": (0, None, detail)})
    need(not ("name" in value and "query" in value), f"{what}: sev-1: a name or a query, not both")


def audit_event(value):
    parts(value, "AuditEvent", {
        "resourceType": (1, 1, lambda v, w: text(v, w, "AuditEvent")),
        "id": (0, 1, lambda v, w: text(v, w, r"[A-Za-z0-9\-.]{1,64}")),
        "meta": (0, 1, lambda v, w: parts(v, w, {"profile": (1, None, text)})),
        "type": (1, 1, coding("type")), "subtype": (0, None, coding("subtype")),
        "action": (0, 1, lambda v, w: text(v, w, "[CRUDE]")),
        "recorded": (1, 1, lambda v, w: text(v, w, INSTANT)),
        "outcome": (0, 1, lambda v, w: text(v, w, "0|4|8|12")), "outcomeDesc": (0, 1, text),
        "purposeOfEvent": (0, None, concept("purpose")),
        "agent": (1, None, agent), "source": (1, 1, source), "entity": (0, None, entity)})
    need(sum(one["requestor"] for one in value["agent"]) == 1, "one agent asked for it, no more")


def main(directory):
    names = sorted(os.listdir(directory))
    bad = 0
    for name in names:
        try:
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                value = json.load(file)
            audit_event(value)
            need(name == value.get("id", "") + ".json", "its name is not its id")
            for fault in fhir_audit_pattern.faults(value):
                raise Bad(fault)
            for what in fhir_audit_pattern.unseen(value) if "meta" in value else ():
                raise Bad(f"{what}: would pass")
        except (Bad, ValueError) as why:
            print(f"{name}: {why}")
            bad += 1
    print(f"{len(names)} AuditEvents, {bad} bad")
    return 1 if bad or not names else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
