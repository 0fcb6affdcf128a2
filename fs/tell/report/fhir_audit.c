/* This file writes entries of the log as FHIR AuditEvent resources, which a hospital's audit
 * system understands. Writing them twice gives the same files. It invents no address and no code.
 */
#include "report/fhir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/id.h"
#include "kit/json.h"
#include "kit/out.h"
#include "ledger/hash.h"
#include "report/deeds.h"
#include "kit/purposes.h"

#include "fhir_private.h"

/* HL7 FHIR R4 (4.0.1), AuditEvent, and the code systems of its value sets; DICOM PS3.16 for what
 * happened. */
#define DCM EMR_FHIR_DCM
#define TERMS EMR_FHIR_TERMS

/* ---- what was done ---- */

typedef struct act {
	const char *action;			/* ours */
	const char *code;			/* audit-event-action: C, R, U, D, E */
	const char *lifecycle, *lifecycle_text; /* dicom-audit-lifecycle */
	const char *outcome;			/* audit-event-outcome */
} act;

static const act acts[] = {
	{"left", "C", "1", "Origination / Creation", "0"},
	{"made", "C", "1", "Origination / Creation", "0"},
	{"saved", "U", "3", "Amendment", "0"},
	{"renamed", "U", "3", "Amendment", "0"},
	{"changed", "U", "3", "Amendment", "0"},
	{"restored", "U", "3", "Amendment", "0"},
	{"deleted", "D", "14", "Logical deletion", "0"},
	{"erased", "D", "15", "Permanent erasure / Physical destruction", "0"},
	{"opened", "R", "6", "Access / Use", "0"},
	{"refused", "R", "6", "Access / Use", "4"},
	{"released", "R", "11", "Disclosure", "0"},
	{"listed", "R", "11", "Disclosure", "0"},
	{"asked", "E", "11", "Disclosure", "4"},
	/* of who may do what: no access, so no lifecycle of a record */
	{"shared", "E", NULL, NULL, "0"},
	{"ended", "E", NULL, NULL, "0"},
	{"expired", "E", NULL, NULL, "0"},
	{"approved", "E", NULL, NULL, "0"},
	{"denied", "E", NULL, NULL, "0"},
};

static const act *act_of(const json_t *entry)
{
	static const act other = {"", "E", "6", "Access / Use", "0"};

	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
		if (strcmp(acts[i].action, emr_json_text_at(entry, "action")) == 0)
			return &acts[i];
	}
	return &other;
}

/* A deposit in another's folder names the other, too, and is about a record. */
static bool is_about_rights(const json_t *entry)
{
	return emr_dealing_is(entry) && strcmp(emr_json_text_at(entry, "action"), "left") != 0;
}

static bool changes_rights(const json_t *entry)
{
	static const char *const actions[] = {"shared", "ended", "expired"};

	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
		if (strcmp(emr_json_text_at(entry, "action"), actions[i]) == 0)
			return true;
	return false;
}

/* ---- who ---- */

/* Purposes of use, or NULL for none: for which something was done, not what it was allowed for. */
static json_t *purposes(const json_t *entry)
{
	const char *text = emr_json_text_at(entry, "purpose"), *code;
	uint32_t bits = 0;
	json_t *list;

	if (text[0] == '\0' || is_about_rights(entry) || !emr_purposes_parse(text, &bits))
		return NULL;
	list = json_array();
	for (unsigned bit = 0; (code = emr_purpose_code(bit)) != NULL; bit++) {
		if ((bits >> bit & 1) != 0)
			json_array_append_new(
				list, json_pack("{s:[{s:s, s:s}]}", "coding", "system",
					      TERMS "v3-ActReason", "code", code));
	}
	return list;
}

/* R4 has no other place on a person's entry for whom he acts for. */
static json_t *on_behalf_of(const char *team)
{
	EMR_AUTO_FREE char *text = NULL;

	if (asprintf(&text, "on behalf of %s", team) < 0)
		text = NULL;
	if (text == NULL)
		return NULL;
	return json_pack("[{s:o}]", "text", emr_json_text(text));
}

/* Says whether the reader is a person or a program, and the part in the act where a pattern says
 * it. */
static json_t *reader_type(const json_t *entry)
{
	bool is_software = emr_json_flag_at(entry, "software");
	const emr_fhir_pattern *pattern = emr_fhir_pattern_of(emr_json_text_at(entry, "action"));
	json_t *codings = json_array();
	int failed = codings == NULL;

	if (pattern != NULL && !is_software)
		failed |= json_array_append_new(codings, emr_fhir_code_json(&pattern->user));
	failed |= json_array_append_new(
		codings, is_software ? emr_fhir_coding(DCM, "110150", "Application")
				     : emr_fhir_coding(TERMS "extra-security-role-type",
					       "humanuser", "human user"));
	if (failed) {
		json_decref(codings);
		return NULL;
	}
	return codings;
}

static json_t *reader(const json_t *entry, const char *owner)
{
	bool is_owner = strcmp(emr_json_text_at(entry, "who"), "you") == 0;
	const char *name = emr_json_text_at(entry, "name")[0] != '\0'
				   ? emr_json_text_at(entry, "name")
				   : emr_json_text_at(entry, "who");
	json_t *agent = json_pack("{s:{s:o}, s:{s:o}, s:o, s:o, s:b}", "type", "coding",
		reader_type(entry), "who", "display", emr_json_text(is_owner ? owner : name),
		"name", emr_json_text(is_owner ? owner : name), "altId",
		emr_json_text(is_owner ? "owner" : emr_json_text_at(entry, "who")), "requestor", 1);
	json_t *uses = purposes(entry);
	int failed = agent == NULL;

	if (uses != NULL)
		failed |= json_object_set_new(agent, "purposeOfUse", uses);
	if (emr_json_text_at(entry, "team")[0] != '\0')
		failed |= json_object_set_new(
			agent, "role", on_behalf_of(emr_json_text_at(entry, "team")));
	if (failed) {
		json_decref(agent);
		return NULL;
	}
	return agent;
}

/* In whose name he asked: a team, an organisation. */
static json_t *principal(const char *name, const char *alternative)
{
	json_t *agent = json_pack("{s:{s:[o]}, s:{s:o}, s:o, s:b}", "type", "coding",
		emr_fhir_coding(TERMS "v3-RoleClass", "AGNT", "agent"), "who", "display",
		emr_json_text(name), "name", emr_json_text(name), "requestor", 0);

	if (agent != NULL && alternative != NULL &&
		json_object_set_new(agent, "altId", emr_json_text(alternative)) != 0) {
		json_decref(agent);
		return NULL;
	}
	return agent;
}

/* The reader, his team and organisation, those who gave the key, and the computers. */
static json_t *agents(const json_t *entry, const char *owner)
{
	const emr_fhir_pattern *pattern = emr_fhir_pattern_of(emr_json_text_at(entry, "action"));
	const json_t *by = json_object_get(entry, "released_by");
	json_t *list = json_pack("[o]", reader(entry, owner));
	int failed = list == NULL;

	if (emr_json_text_at(entry, "team")[0] != '\0')
		failed |= json_array_append_new(
			list, principal(emr_json_text_at(entry, "team"), "team"));
	if (emr_json_text_at(entry, "organisation")[0] != '\0')
		failed |= json_array_append_new(
			list, principal(emr_json_text_at(entry, "organisation"), NULL));
	for (size_t i = 0; i < json_array_size(by); i++) {
		const char *name = json_string_value(json_array_get(by, i));

		failed |= json_array_append_new(list,
			json_pack("{s:{s:[o]}, s:{s:o}, s:o, s:b}", "type", "coding",
				emr_fhir_coding(TERMS "v3-ParticipationType", "CST", "custodian"),
				"who", "display",
				emr_json_text(strcmp(name, "you") == 0 ? owner : name), "name",
				emr_json_text(strcmp(name, "you") == 0 ? owner : name), "requestor",
				0));
	}
	if (pattern != NULL)
		failed |= emr_fhir_pattern_agents(pattern, list);
	if (failed) {
		json_decref(list);
		return NULL;
	}
	return list;
}

/* ---- what ---- */

static int add_detail(json_t *details, const char *type, const char *value)
{
	return json_array_append_new(details,
		json_pack("{s:s, s:o}", "type", type, "valueString", emr_json_text(value)));
}

static json_t *details(const json_t *entry)
{
	static const char *const numbers[] = {"version", "bytes", "opened", "records"};
	static const char *const flags[] = {"whole", "goes_on"};
	static const char *const terms[] = {"rights", "purpose", "until"};
	json_t *list = json_array();
	int failed = list == NULL;

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		const json_t *number = json_object_get(entry, numbers[i]);
		char text[32];

		if (!json_is_integer(number))
			continue;
		snprintf(text, sizeof text, "%lld", (long long)json_integer_value(number));
		failed |= add_detail(list, numbers[i], text);
	}
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (json_is_boolean(json_object_get(entry, flags[i])) &&
			(i == 0 || is_about_rights(entry)))
			failed |= add_detail(list, flags[i],
				json_is_true(json_object_get(entry, flags[i])) ? "yes" : "no");
	for (size_t i = 0; i < sizeof terms / sizeof *terms && is_about_rights(entry); i++)
		if (emr_json_text_at(entry, terms[i])[0] != '\0')
			failed |= add_detail(list, terms[i], emr_json_text_at(entry, terms[i]));
	failed |= add_detail(list, "action", emr_json_text_at(entry, "action"));
	failed |= add_detail(list, "evidence",
		emr_json_flag_at(entry, "proven") ? "on the ledger"
						  : "told by the reader's computer");
	failed |= add_detail(list, "transaction", emr_json_text_at(entry, "tx"));
	if (failed) {
		json_decref(list);
		return NULL;
	}
	return list;
}

static json_t *patient(const char *owner)
{
	return json_pack("{s:{s:s, s:o}, s:o, s:o, s:o}", "what", "type", "Patient", "display",
		emr_json_text(owner), "type",
		emr_fhir_coding(TERMS "audit-entity-type", "1", "Person"), "role",
		emr_fhir_coding(TERMS "object-role", "1", "Patient"), "name", emr_json_text(owner));
}

/* The record, or what rights were about. */
static json_t *resource(const json_t *entry)
{
	const act *a = act_of(entry);
	const char *path = emr_json_text_at(entry, "path");
	json_t *entity = json_pack("{s:{s:o}, s:o, s:o}", "what", "display",
		emr_json_text(
			path[0] != '\0' ? path : "a record that was erased or cannot be named"),
		"type", emr_fhir_coding(TERMS "audit-entity-type", "2", "System Object"), "role",
		is_about_rights(entry)
			? emr_fhir_coding(TERMS "object-role", "13", "Security Resource")
			: emr_fhir_coding(TERMS "object-role", "3", "Report"));
	int failed = entity == NULL;

	if (a->lifecycle != NULL)
		failed |= json_object_set_new(entity, "lifecycle",
			emr_fhir_coding(
				TERMS "dicom-audit-lifecycle", a->lifecycle, a->lifecycle_text));
	failed |= json_object_update_new(
		entity, json_pack("{s:o, s:o}", "name", emr_json_text(path[0] != '\0' ? path : "?"),
				"detail", details(entry)));
	if (failed) {
		json_decref(entity);
		return NULL;
	}
	return entity;
}

/* To whom rights were given, or who asked for them. */
static json_t *party(const json_t *entry)
{
	const json_t *with = json_object_get(entry, "with");
	bool is_person = strcmp(emr_json_text_at(with, "kind"), "person") == 0;
	const char *name =
		emr_json_text_at(with, emr_json_text_at(with, "name")[0] != '\0' ? "name" : "who");
	json_t *details = json_array();

	if (details != NULL &&
		(add_detail(details, "who", emr_json_text_at(with, "who")) != 0 ||
			(emr_json_text_at(with, "organisation")[0] != '\0' &&
				add_detail(details, "organisation",
					emr_json_text_at(with, "organisation")) != 0))) {
		json_decref(details);
		return NULL;
	}
	return json_pack("{s:{s:o}, s:o, s:o, s:o, s:o}", "what", "display", emr_json_text(name),
		"type",
		is_person ? emr_fhir_coding(TERMS "audit-entity-type", "1", "Person")
			  : emr_fhir_coding(TERMS "audit-entity-type", "3", "Organization"),
		"role",
		is_person ? emr_fhir_coding(TERMS "object-role", "11", "Security User Entity")
			  : emr_fhir_coding(TERMS "object-role", "12", "Security User Group"),
		"name", emr_json_text(name), "detail", details);
}

static json_t *entities(const json_t *entry, const char *owner)
{
	const json_t *with = json_object_get(entry, "with");

	if (is_about_rights(entry))
		return json_pack("[o, o, o]", resource(entry), party(entry), patient(owner));
	if (emr_dealing_is(entry)) /* left in the folder of that patient */
		owner = emr_json_text_at(
			with, emr_json_text_at(with, "name")[0] != '\0' ? "name" : "who");
	return json_pack("[o, o]", resource(entry),
		patient(owner[0] != '\0' ? owner : "somebody whose card is not here"));
}

/* ---- the event ---- */

/* A deed on a record is as its pattern says; a try that failed is DICOM's Patient Record; a deed on
 * rights is its Security Alert (PS3.15 A.5.3.11), which is always an E. */
static int set_type(json_t *event, const json_t *entry)
{
	static const emr_fhir_code record = {DCM, "110110", "Patient Record"},
				   rights = {DCM, "110113", "Security Alert"},
				   changed = {DCM, "110136", "Security Roles Changed"},
				   reading = {"http://hl7.org/fhir/restful-interaction", "read",
					   "read"};
	const emr_fhir_pattern *pattern = emr_fhir_pattern_of(emr_json_text_at(entry, "action"));
	bool is_of_rights = is_about_rights(entry);
	const emr_fhir_code *type = pattern != NULL ? &pattern->type
				    : is_of_rights  ? &rights
						    : &record;
	const emr_fhir_code *subtype = pattern != NULL	       ? &pattern->subtype
				       : !is_of_rights	       ? &reading
				       : changes_rights(entry) ? &changed
							       : NULL;
	int failed = json_object_set_new(event, "type", emr_fhir_code_json(type));

	if (pattern != NULL)
		failed |= json_object_set_new(event, "meta", emr_fhir_pattern_meta(pattern));
	if (subtype != NULL)
		failed |= json_object_set_new(
			event, "subtype", json_pack("[o]", emr_fhir_code_json(subtype)));
	return failed;
}

json_t *emr_fhir_audit_event(const json_t *entry, const char *owner)
{
	const act *a = act_of(entry);
	bool is_proven = emr_json_flag_at(entry, "proven");
	json_t *uses = purposes(entry), *event;
	char somebody[40];
	int failed;

	/* An auditor does not know whose records his staff asked for. */
	snprintf(somebody, sizeof somebody, "the owner of folder %.8s",
		emr_json_text_at(entry, "folder"));
	owner = emr_json_text_at(entry, "folder")[0] != '\0' ? somebody
		: owner[0] != '\0'			     ? owner
							     : "the owner of the records";
	event = json_pack("{s:s}", "resourceType", "AuditEvent");
	failed = event == NULL || set_type(event, entry) != 0;
	failed |= json_object_update_new(event,
		json_pack("{s:s, s:s, s:s, s:o, s:{s:{s:s}, s:[o]}, s:o}", "action", a->code,
			"recorded", emr_json_text_at(entry, "at"), "outcome", a->outcome, "agent",
			agents(entry, owner), "source", "observer", "display",
			is_proven ? EMR_FHIR_LEDGER : EMR_FHIR_READER, "type",
			is_proven
				? emr_fhir_coding(
					  TERMS "security-source-type", "6", "Security Server")
				: emr_fhir_coding(TERMS "security-source-type", "1", "User Device"),
			"entity", entities(entry, owner)));
	failed |= uses != NULL && json_object_set(event, "purposeOfEvent", uses) != 0;
	if (failed) {
		json_decref(event);
		event = NULL;
	}
	json_decref(uses);
	return event;
}

/* ---- files ---- */

/* Of the entry's own words, so that a second export writes the same names. */
static void name_it(const char *text, char out[40])
{
	emr_bytes bytes = emr_bytes_of(text, strlen(text));
	emr_id32 hash = emr_sha256_of(&bytes, 1);
	char whole[60];

	emr_base32(hash.b, 16, whole);
	snprintf(out, 40, "emrfs-%.26s", whole);
}

emr_status emr_fhir_write(int dir_fd, const json_t *entry, const char *owner)
{
	json_t *event = emr_fhir_audit_event(entry, owner);
	EMR_AUTO_FREE char *text = event != NULL ? json_dumps(event, JSON_COMPACT) : NULL;
	char id[40];
	emr_status status = EMR_NO_MEMORY;

	if (text != NULL) {
		name_it(text, id);
		status = emr_fhir_file(dir_fd, event, id);
	}
	json_decref(event);
	return status;
}
