/* This file writes what somebody shares as FHIR Consent resources, which a hospital's consent
 * system understands. A share that ended stays, as inactive; R4 has no word for revoked. */
#include "report/fhir.h"

#include <stdio.h>
#include <string.h>

#include "kit/json.h"
#include "kit/out.h"
#include "kit/text.h"
#include "kit/purposes.h"

#include "fhir_private.h"

/* HL7 FHIR R4 (4.0.1), Consent, and the code systems of its value sets. */

/* An id of 32 hexadecimal digits as a URN; whatever else it is stays out. */
static json_t *urn(const char *hex)
{
	char text[64];

	snprintf(text, sizeof text, "urn:uuid:%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
		hex + 16, hex + 20);
	return json_pack("{s:s, s:s}", "system", "urn:ietf:rfc:3986", "value", text);
}

/* A person or a group by the key that grants name: nobody has registered a system for those. */
static json_t *somebody(const char *type, const char *id, const char *called)
{
	return json_pack("{s:s, s:{s:{s:s}, s:s}, s:o}", "type", type, "identifier", "type", "text",
		"key of an emrfs card", "value", id, "display", emr_json_text(called));
}

static json_t *actor(const json_t *grant)
{
	bool is_person = strcmp(emr_json_text_at(grant, "kind"), "person") == 0;
	const char *name = emr_json_text_at(
		grant, emr_json_text_at(grant, "name")[0] != '\0' ? "name" : "who");

	return json_pack("{s:{s:[o]}, s:o}", "role", "coding",
		emr_fhir_coding(
			EMR_FHIR_TERMS "v3-ParticipationType", "IRCP", "information recipient"),
		"reference",
		somebody(is_person ? "Practitioner" : "Organization",
			emr_json_text_at(grant, "grantee_id"), name));
}

static int add_action(json_t *list, const char *code, const char *display)
{
	return json_array_append_new(
		list, json_pack("{s:[o]}", "coding",
			      emr_fhir_coding(EMR_FHIR_TERMS "consentaction", code, display)));
}

/* Writes the allowed actions, and their purposes. */
static int set_terms(json_t *provision, const json_t *grant)
{
	json_t *actions = json_array(), *purposes = json_array();
	const char *code;
	uint32_t bits = 0;
	int failed = add_action(actions, "access", "Access");
	char words[EMR_PURPOSES_TEXT_BYTES];
	size_t at = 0;

	if (strcmp(emr_json_text_at(grant, "rights"), "write") == 0)
		failed |= add_action(actions, "correct", "Access and Correct");
	/* "treatment, research" as it is shown, without its spaces. */
	for (const char *p = emr_json_text_at(grant, "purpose");
		*p != '\0' && at + 1 < sizeof words; p++)
		if (*p != ' ')
			words[at++] = *p;
	words[at] = '\0';
	if (at > 0 && !emr_purposes_parse(words, &bits))
		bits = 0;
	for (unsigned bit = 0; (code = emr_purpose_code(bit)) != NULL; bit++)
		if ((bits >> bit & 1) != 0)
			failed |= json_array_append_new(
				purposes, json_pack("{s:s, s:s}", "system",
						  EMR_FHIR_TERMS "v3-ActReason", "code", code));
	failed |= json_object_set_new(provision, "action", actions);
	if (json_array_size(purposes) > 0)
		return failed | json_object_set_new(provision, "purpose", purposes);
	json_decref(purposes);
	return failed;
}

static json_t *provision(const json_t *grant, const char *since)
{
	json_int_t until = json_integer_value(json_object_get(grant, "until_unix"));
	json_t *period = json_pack("{s:s}", "start", since), *made;
	char end[EMR_TEXT_BYTES];
	int failed = 0;

	emr_time_json(until, end);
	if ((uint64_t)until < EMR_FOREVER_UNIX_S)
		failed |= json_object_set_new(period, "end", json_string(end));
	made = json_pack("{s:s, s:o, s:[o], s:[{s:s, s:{s:o, s:o}}]}", "type", "permit", "period",
		period, "actor", actor(grant), "data", "meaning", "related", "reference",
		"identifier", urn(emr_json_text_at(grant, "folder_id")), "display",
		emr_json_text(emr_json_text_at(grant, "path")));
	if (made == NULL || failed || set_terms(made, grant) != 0) {
		json_decref(made);
		return NULL;
	}
	return made;
}

static bool is_consent(const json_t *grant)
{
	const char *state = emr_json_text_at(grant, "state");

	return strlen(emr_json_text_at(grant, "grant_id")) == 32 &&
	       strlen(emr_json_text_at(grant, "folder_id")) == 32 &&
	       strcmp(emr_json_text_at(grant, "rights"), "deposit") != 0 &&
	       strcmp(state, "queued") != 0;
}

json_t *emr_fhir_consent(const json_t *grant, const char *owner)
{
	bool is_over = strcmp(emr_json_text_at(grant, "state"), "over") == 0;
	char since[EMR_TEXT_BYTES];

	if (!is_consent(grant))
		return json_null();
	emr_time_json(json_integer_value(json_object_get(grant, "since_unix")), since);
	return json_pack(
		"{s:s, s:[o], s:s, s:{s:[o]}, s:[{s:[o]}], s:o, s:s, s:[o], s:{s:[o]}, s:o}",
		"resourceType", "Consent", "identifier", urn(emr_json_text_at(grant, "grant_id")),
		"status", is_over ? "inactive" : "active", "scope", "coding",
		emr_fhir_coding(
			EMR_FHIR_TERMS "consentscope", "patient-privacy", "Privacy Consent"),
		"category", "coding",
		emr_fhir_coding("http://loinc.org", "59284-0", "Consent Document"), "patient",
		somebody("Patient", emr_json_text_at(grant, "owner_id"), owner), "dateTime", since,
		"performer", somebody("Patient", emr_json_text_at(grant, "owner_id"), owner),
		"policyRule", "coding",
		emr_fhir_coding(EMR_FHIR_TERMS "v3-ActCode", "OPTIN", "opt-in"), "provision",
		provision(grant, since));
}

emr_status emr_fhir_consent_write(
	int dir_fd, const json_t *grant, const char *owner, uint64_t *out_written)
{
	json_t *consent = emr_fhir_consent(grant, owner);
	char id[48];
	emr_status status = consent != NULL ? EMR_OK : EMR_NO_MEMORY;

	if (status == EMR_OK && json_is_object(consent)) {
		snprintf(id, sizeof id, "emrfs-g-%.32s", emr_json_text_at(grant, "grant_id"));
		status = emr_fhir_file(dir_fd, consent, id);
		*out_written += status == EMR_OK;
	}
	json_decref(consent);
	return status;
}
