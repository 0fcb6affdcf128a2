/* This file reads a FHIR R4 Consent. It asks for more than validators of FHIR do: that there
 * is a policy, a patient, a period with an end, exactly one who receives, a purpose that exists. A
 * statement that is not understood is never left out silently, because it may be a limit. */
#include "consent/consent.h"

#include <sodium.h>
#include <string.h>

#include "base/day.h"
#include "helper/fhir.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/purposes.h"

#define TERMS "http://terminology.hl7.org/CodeSystem/"
#define CLOCKS_DIFFER_S 600u

typedef struct reading {
	const json_t *whole, *provision;
	uint64_t now;
	emr_consent *out;
} reading;

/* NULL: nothing is wrong with it. */
typedef const char *(*question)(reading *r);

/* ---- pieces ---- */

static bool has_member(const json_t *object, const char *name)
{
	return json_object_get(object, name) != NULL;
}

static bool is_coding(const json_t *coding, const char *system, const char *code)
{
	return strcmp(emr_json_text_at(coding, "system"), system) == 0 &&
	       strcmp(emr_json_text_at(coding, "code"), code) == 0;
}

/* One of the codings of CONCEPT. */
static bool is_concept(const json_t *concept, const char *system, const char *code)
{
	const json_t *codings = json_object_get(concept, "coding");

	for (size_t i = 0; i < json_array_size(codings); i++)
		if (is_coding(json_array_get(codings, i), system, code))
			return true;
	return false;
}

/* OBJECT has no other members than NAMES (the last is NULL). */
static bool has_only(const json_t *object, const char *const *names)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		size_t i = 0;

		while (names[i] != NULL && strcmp(names[i], name) != 0)
			i++;
		if (names[i] == NULL)
			return false;
	}
	return true;
}

/* A member called NAME anywhere in it.  The parser has limited how deep that is. */
static bool has_anywhere(const json_t *value, const char *name)
{
	const char *key;
	json_t *inner;
	size_t i;

	if (json_is_object(value) && json_object_get(value, name) != NULL)
		return true;
	json_object_foreach((json_t *)(uintptr_t)value, key, inner)
	{
		if (has_anywhere(inner, name))
			return true;
	}
	json_array_foreach(value, i, inner)
	{
		if (has_anywhere(inner, name))
			return true;
	}
	return false;
}

/* The value of REFERENCE's identifier: the reference itself, and what it displays, anybody can have
 * written. */
static bool take_identifier(const json_t *reference, char out[EMR_CONSENT_NAME_MAX + 1])
{
	const char *value = emr_json_text_at(json_object_get(reference, "identifier"), "value");
	size_t len = strlen(value);

	if (len == 0 || len > EMR_CONSENT_NAME_MAX)
		return false;
	memcpy(out, value, len + 1);
	return true;
}

/* A day, or a time with its zone: a time without one would be another moment elsewhere. */
static bool take_moment(const json_t *object, const char *name, bool is_end, uint64_t *out_unix_s)
{
	emr_day_span span;

	if (emr_day_read(emr_json_text_at(object, name), &span) != EMR_DAY_FINE ||
		span.has_time != span.has_zone)
		return false;
	*out_unix_s = is_end && !span.has_time ? span.last_unix_s : span.first_unix_s;
	return true;
}

/* ---- the questions, in the order in which they are asked ---- */

static const char *ask_kind(reading *r)
{
	static const char *const later[] = {"grantor", "grantee", "manager", "controller",
		"decision", "regulatoryBasis", "policyBasis", "policyText", "subject"};

	if (strcmp(emr_json_text_at(r->whole, "resourceType"), "Consent") != 0)
		return N_("it is no FHIR Consent");
	for (size_t i = 0; i < sizeof later / sizeof *later; i++)
		if (has_member(r->whole, later[i]))
			return N_("it is of another release of FHIR than R4");
	if (json_is_array(json_object_get(r->whole, "provision")))
		return N_("it is of another release of FHIR than R4");
	if (has_anywhere(r->whole, "modifierExtension") || has_anywhere(r->whole, "implicitRules"))
		return N_("it changes its own meaning by something that is not known here "
			  "(modifierExtension, implicitRules)");
	return NULL;
}

static const char *ask_state(reading *r)
{
	static const char *const known[] = {"resourceType", "id", "meta", "language", "text",
		"contained", "extension", "identifier", "status", "scope", "category", "patient",
		"dateTime", "performer", "organization", "sourceAttachment", "sourceReference",
		"policy", "policyRule", "verification", "provision", NULL};
	uint64_t made;

	if (strcmp(emr_json_text_at(r->whole, "status"), "active") != 0)
		return N_("its status is not active; what is shared ends by emrfs revoke");
	if (!has_only(r->whole, known))
		return N_("it says something that a Consent of FHIR R4 has no place for");
	if (!is_concept(
		    json_object_get(r->whole, "scope"), TERMS "consentscope", "patient-privacy"))
		return N_("its scope is not patient-privacy: it is no consent to show records");
	if (json_array_size(json_object_get(r->whole, "category")) == 0)
		return N_("it has no category");
	if (has_member(r->whole, "dateTime") && (!take_moment(r->whole, "dateTime", false, &made) ||
							made > r->now + CLOCKS_DIFFER_S))
		return N_("it does not say when it was given, or says a time to come");
	return NULL;
}

static const char *ask_policy(reading *r)
{
	const json_t *rule = json_object_get(r->whole, "policyRule"),
		     *policies = json_object_get(r->whole, "policy");

	if (rule != NULL)
		return is_concept(rule, TERMS "v3-ActCode", "OPTIN")
			       ? NULL
			       : N_("its policy is not that nothing is seen but what it permits "
				    "(OPTIN)");
	for (size_t i = 0; i < json_array_size(policies); i++)
		if (emr_json_text_at(json_array_get(policies, i), "uri")[0] != '\0' ||
			emr_json_text_at(json_array_get(policies, i), "authority")[0] != '\0')
			return NULL;
	return N_("it names no policy");
}

static const char *ask_patient(reading *r)
{
	return take_identifier(json_object_get(r->whole, "patient"), r->out->patient)
		       ? NULL
		       : N_("it does not say by an identifier whose records it is about");
}

static const char *ask_provision(reading *r)
{
	static const char *const kept[] = {
		"id", "extension", "type", "period", "actor", "action", "purpose", "data", NULL};

	r->provision = json_object_get(r->whole, "provision");
	if (strcmp(emr_json_text_at(r->provision, "type"), "permit") != 0)
		return N_("it permits nothing");
	if (!has_only(r->provision, kept))
		return N_("it has exceptions or limits that a share does not keep");
	return NULL;
}

static const char *ask_period(reading *r)
{
	const json_t *period = json_object_get(r->provision, "period");

	if (!has_member(period, "start") || !has_member(period, "end"))
		return N_("it does not say from when until when it holds");
	if (!take_moment(period, "start", false, &r->out->since_unix_s) ||
		!take_moment(period, "end", true, &r->out->until_unix_s))
		return N_("its period is not in days, or in times with their zone");
	if (r->out->until_unix_s <= r->out->since_unix_s)
		return N_("its period ends before it begins");
	if (r->out->until_unix_s <= r->now)
		return N_("its period is over");
	if (r->out->since_unix_s > r->now + CLOCKS_DIFFER_S)
		return N_("its period has not begun");
	return NULL;
}

static const char *ask_actor(reading *r)
{
	const json_t *actors = json_object_get(r->provision, "actor"),
		     *actor = json_array_get(actors, 0), *role = json_object_get(actor, "role");

	if (json_array_size(actors) != 1)
		return N_("it does not name exactly one person who may see the records");
	if (!is_concept(role, TERMS "v3-ParticipationType", "IRCP") &&
		!is_concept(role, TERMS "v3-ParticipationType", "PRCP"))
		return N_("it names somebody, but not as who receives the records (IRCP)");
	return take_identifier(json_object_get(actor, "reference"), r->out->grantee)
		       ? NULL
		       : N_("it does not say by an identifier who may see the records");
}

static const char *ask_action(reading *r)
{
	const json_t *actions = json_object_get(r->provision, "action");

	if (json_array_size(actions) == 0)
		return N_("it does not say what may be done with the records");
	for (size_t i = 0; i < json_array_size(actions); i++) {
		const json_t *action = json_array_get(actions, i);

		if (is_concept(action, TERMS "consentaction", "correct"))
			r->out->may_change = true;
		else if (!is_concept(action, TERMS "consentaction", "access"))
			return N_(
				"it permits something else than to see records or to correct them");
	}
	return NULL;
}

static const char *ask_purpose(reading *r)
{
	const json_t *purposes = json_object_get(r->provision, "purpose");

	if (json_array_size(purposes) == 0)
		return N_("it does not say for which purpose");
	for (size_t i = 0; i < json_array_size(purposes); i++) {
		const json_t *purpose = json_array_get(purposes, i);
		const char *code;
		unsigned bit = 0;

		while ((code = emr_purpose_code(bit)) != NULL &&
			!is_coding(purpose, TERMS "v3-ActReason", code))
			bit++;
		if (code == NULL)
			return N_("it names a purpose that is not known here");
		r->out->purposes |= UINT32_C(1) << bit;
	}
	return NULL;
}

/* "urn:uuid:" and 32 hexadecimal digits in their groups. */
static bool read_urn(const char *text, emr_id16 *out)
{
	static const char head[] = "urn:uuid:";
	char hex[33];
	size_t n = 0;

	if (strlen(text) != sizeof head - 1 + 36 || strncmp(text, head, sizeof head - 1) != 0)
		return false;
	text += sizeof head - 1;
	for (size_t i = 0; i < 36; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if ((text[i] == '-') != is_dash)
			return false;
		if (!is_dash)
			hex[n++] = text[i];
	}
	hex[n] = '\0';
	return emr_unhex(hex, out->b, sizeof out->b) == EMR_OK;
}

static const char *ask_data(reading *r)
{
	const json_t *data = json_object_get(r->provision, "data"),
		     *reference = json_object_get(json_array_get(data, 0), "reference"),
		     *identifier = json_object_get(reference, "identifier");
	const char *path = emr_json_text_at(reference, "display"),
		   *meaning = emr_json_text_at(json_array_get(data, 0), "meaning");

	if (json_array_size(data) != 1 || path[0] == '\0' || strlen(path) > EMR_CONSENT_PATH_MAX ||
		meaning[0] == '\0')
		return N_("it does not name exactly one folder or file as your folder calls it");
	/* "authoredby" is a limit: a share shows all that lies there. */
	if (strcmp(meaning, "instance") != 0 && strcmp(meaning, "related") != 0 &&
		strcmp(meaning, "dependents") != 0)
		return N_("it has exceptions or limits that a share does not keep");
	memcpy(r->out->path, path, strlen(path) + 1);
	if (identifier == NULL)
		return NULL;
	if (strcmp(emr_json_text_at(identifier, "system"), "urn:ietf:rfc:3986") != 0 ||
		!read_urn(emr_json_text_at(identifier, "value"), &r->out->folder))
		return N_("it says by an identifier which records it is about that is not of an "
			  "emrfs folder");
	r->out->has_folder = true;
	return NULL;
}

/* ---- the whole ---- */

/* Of the resource as it is understood, with its members in order. */
static emr_status name_request(const json_t *whole, emr_id16 *out)
{
	static const char label[] = "emrfs consent request";
	EMR_AUTO_FREE char *text = json_dumps(whole, JSON_COMPACT | JSON_SORT_KEYS);
	crypto_generichash_state state;

	if (text == NULL)
		return EMR_NO_MEMORY;
	crypto_generichash_init(&state, NULL, 0, sizeof out->b);
	crypto_generichash_update(&state, (const unsigned char *)label, sizeof label);
	crypto_generichash_update(&state, (const unsigned char *)text, strlen(text));
	crypto_generichash_final(&state, out->b, sizeof out->b);
	return EMR_OK;
}

emr_status emr_consent_read(emr_bytes file, uint64_t now, emr_consent *out, const char **out_why)
{
	static const char *const faults[EMR_FHIR_FAULTS] = {
		[EMR_FHIR_EMPTY] = N_("the file is empty"),
		[EMR_FHIR_LARGE] = N_("it is larger than a Consent may be (256 KiB)"),
		[EMR_FHIR_ENCODING] =
			N_("it is written in UTF-16 or UTF-32, and FHIR is written in "
			   "UTF-8"),
		[EMR_FHIR_NO_JSON] = N_("it is no JSON of FHIR: other forms (XML) are not read")};
	static const question questions[] = {ask_kind, ask_state, ask_policy, ask_patient,
		ask_provision, ask_period, ask_actor, ask_action, ask_purpose, ask_data};
	emr_consent consent = {0};
	reading r = {.now = now, .out = &consent};
	json_t *whole = NULL;
	const char *why = faults[emr_fhir_read(file, EMR_CONSENT_BYTES_MAX, &whole)];
	emr_status status;

	r.whole = whole;
	for (size_t i = 0; i < sizeof questions / sizeof *questions && why == NULL; i++)
		why = questions[i](&r);
	status = why != NULL ? EMR_INVALID : name_request(whole, &consent.request);
	json_decref(whole);
	if (status == EMR_OK)
		*out = consent;
	else if (status == EMR_INVALID)
		*out_why = why;
	return status;
}
