"""fhir_audit_pattern.py checks an AuditEvent against the Basic Audit Log Pattern that it names (IHE ITI BALP 1.1.4, profiles.ihe.net/ITI/BALP; FHIR R4).

Written from the published profiles PatientCreate, PatientRead, PatientUpdate, PatientDelete and PrivacyDisclosure.Source: what they fix, how often
each slice may be there, and the invariant val-audit-source.  It also checks which acts must name which pattern, and which must not: a pattern is for an act that succeeded.
"""
import copy

DCM = "http://dicom.nema.org/resources/ontology/DCM"
TERMS = "http://terminology.hl7.org/CodeSystem/"
CANONICAL = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
REST = (TERMS + "audit-event-type", "rest")
SOURCE, DESTINATION, APPLICATION = (DCM, "110153"), (DCM, "110152"), (DCM, "110150")
CUSTODIAN = (TERMS + "provenance-participant-type", "custodian")
PARTICIPATION = TERMS + "v3-ParticipationType"
AUTHORS = {(PARTICIPATION, code) for code in ("AUT", "INF", "CST")}
PERSON, OBJECT, PATIENT = (TERMS + "audit-entity-type", "1"), (TERMS + "audit-entity-type", "2"), (TERMS + "object-role", "1")
REST_ROLES = {(TERMS + "object-role", code) for code in ("3", "4", "20")}


def interaction(code):
    return "http://hl7.org/fhir/restful-interaction", code


# name -> type, subtypes of which exactly one, action, client, server, codes of the user, of REST
PATTERNS = {
    "PatientCreate": (REST, {interaction("create")}, "C", SOURCE, DESTINATION, AUTHORS, True),
    "PatientRead": (REST, {interaction("read"), interaction("vread")}, "R", DESTINATION, SOURCE, {(PARTICIPATION, "IRCP")}, True),
    "PatientUpdate": (REST, {interaction("update"), interaction("patch")}, "U", SOURCE, DESTINATION, AUTHORS, True),
    "PatientDelete": (REST, {interaction("delete")}, "D", APPLICATION, CUSTODIAN, AUTHORS, True),
    "PrivacyDisclosure.Source": ((DCM, "110106"), {(TERMS + "iso-21089-lifecycle", "disclose")}, "R", DESTINATION, SOURCE, {(PARTICIPATION, "IRCP")}, False),
}
# what the log calls it -> the pattern that it must name
OF_ACTION = {"left": "PatientCreate", "made": "PatientCreate", "saved": "PatientUpdate", "renamed": "PatientUpdate", "changed": "PatientUpdate",
             "restored": "PatientUpdate", "deleted": "PatientDelete", "erased": "PatientDelete", "opened": "PatientRead",
             "released": "PrivacyDisclosure.Source", "listed": "PrivacyDisclosure.Source"}


def pair(coding):
    return coding.get("system"), coding.get("code")


def of_type(agents, wanted):
    return [agent for agent in agents if wanted & {pair(coding) for coding in agent.get("type", {}).get("coding", [])}]


def action_of(event):
    words = [detail["valueString"] for entity in event.get("entity", []) for detail in entity.get("detail", []) if detail["type"] == "action"]
    return words[0] if words else ""


def faults_of_agents(event, pattern):
    agents = event.get("agent", [])
    _, _, _, client, server, users, is_rest = pattern
    for name, code in (("client", client), ("server", server)):
        found = of_type(agents, {code})
        if len(found) != 1:
            yield f"{len(found)} agents are the {name}"
        elif not found[0].get("who") or not found[0].get("network"):
            yield f"the {name} lacks who or network"
    if not is_rest and [agent.get("who") for agent in of_type(agents, {server})] != [event["source"]["observer"]]:
        yield "val-audit-source: the source is not who observed it"
    found = of_type(agents, users)
    if len(found) > 1:
        yield "more than one user"
    if any(not user["requestor"] or "network" in user or "media" in user or not user.get("who") for user in found):
        yield "the user did not ask for it, has a network, or is nobody"


def faults_of_entities(event, is_rest):
    entities = event.get("entity", [])
    patients = [entity for entity in entities if pair(entity.get("type", {})) == PERSON]
    data = [entity for entity in entities if pair(entity.get("type", {})) == OBJECT]
    if len(entities) < 2 or len(patients) != 1:
        yield "not one patient beside what it is about"
    elif pair(patients[0].get("role", {})) != PATIENT or patients[0].get("what", {}).get("type") != "Patient":
        yield "the person is no patient"
    if is_rest and len(data) != 1:
        yield "not one record"
    if is_rest and any(not entity.get("what") or pair(entity.get("role", {})) not in REST_ROLES for entity in data):
        yield "the record has no name, or a role that it cannot have"


def faults(event):
    """What is wrong with EVENT as the pattern that it names, or must name."""
    named = [name.removeprefix(CANONICAL) for name in event.get("meta", {}).get("profile", [])]
    wanted = OF_ACTION.get(action_of(event))
    if named != ([wanted] if wanted else []):
        return [f"{action_of(event)!r} names {named}"]
    if not wanted:
        return []
    pattern = PATTERNS[wanted]
    found = []
    if pair(event["type"]) != pattern[0] or event.get("action") != pattern[2]:
        found.append("another type or action")
    if sum(pair(subtype) in pattern[1] for subtype in event.get("subtype", [])) != 1:
        found.append("not exactly one of its subtypes")
    if event.get("outcome") is None or (pattern[6] and event["outcome"] != "0"):
        found.append("no success")
    return found + list(faults_of_agents(event, pattern)) + list(faults_of_entities(event, pattern[6]))


def without(event, code):
    for agent in event["agent"]:
        agent["type"]["coding"] = [coding for coding in agent["type"]["coding"] if pair(coding) != code] or [{"system": "x", "code": "x"}]


# SPOILED has entries that must not pass, each made of one that does: so that this check can fail.
SPOILED = {
    "no profile": lambda e: e.pop("meta"),
    "another profile": lambda e: e["meta"].update(profile=[CANONICAL + "Query"]),
    "no subtype": lambda e: e.pop("subtype"),
    "another action": lambda e: e.update(action="E"),
    "no outcome": lambda e: e.pop("outcome"),
    "no server": lambda e: without(e, PATTERNS[OF_ACTION[action_of(e)]][4]),
    "no client": lambda e: without(e, PATTERNS[OF_ACTION[action_of(e)]][3]),
    "no network": lambda e: [agent.pop("network", None) for agent in e["agent"]],
    "no patient": lambda e: e.update(entity=[entity for entity in e["entity"] if pair(entity["type"]) != PERSON]),
    "a patient who is a device": lambda e: [entity["what"].update(type="Device") for entity in e["entity"] if pair(entity["type"]) == PERSON],
    "two patients": lambda e: e["entity"].extend(entity for entity in e["entity"][:] if pair(entity["type"]) == PERSON),
}


def unseen(event):
    """Of the ways to spoil EVENT, which has a pattern: those that the check does not see."""
    for what, spoil in SPOILED.items():
        spoiled = copy.deepcopy(event)
        spoil(spoiled)
        if not faults(spoiled):
            yield what
