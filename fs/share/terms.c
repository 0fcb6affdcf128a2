/* This file reads the terms of a dataset, which are JSON that others wrote. A field that it does
 * not know, or that is missing, it refuses: terms are shown in full, or not at all. */
#include "share/terms.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/day.h"
#include "keyring/card.h"
#include "ledger/hash.h"

#define PRICE_MAX INT64_C(1000000000000)
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

bool emr_dataset_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= EMR_DATASET_NAME_MAX && name[0] != '.' &&
	       strspn(name, NAME_CHARS) == len;
}

/* A sentence that is shown as it is: nothing in it turns or hides what stands beside it. */
static emr_status take_text(const json_t *value, size_t most, char *out)
{
	const char *text = json_string_value(value);
	size_t len = text != NULL ? json_string_length(value) : 0;

	if (len > most)
		return EMR_LIMIT;
	if (len == 0 || strlen(text) != len || !emr_shown_name_ok(text, len))
		return EMR_INVALID;
	memcpy(out, text, len + 1);
	return EMR_OK;
}

/* The terms that a dataset can name of the Data Use Ontology of GA4GH (duo.owl of 2021-02-23,
 * github.com/EBISPOT/DUO): permissions and modifiers, each once. */
static emr_status take_duo(const json_t *list, char out[EMR_TERMS_LINE_MAX + 1])
{
	static const char codes[] =
		"|0000004|0000006|0000007|0000011|0000012|0000015|0000016|0000018|0000019|0000020|"
		"0000021|0000022|0000024|0000025|0000026|0000027|0000028|0000029|0000042|0000043|"
		"0000044|0000045|0000046|";
	const json_t *value;
	size_t i, len = 0;

	json_array_foreach(list, i, value)
	{
		const char *text = json_string_value(value);
		char sought[10] = "";

		if (text != NULL && strlen(text) == 11 && strncmp(text, "DUO:", 4) == 0)
			snprintf(sought, sizeof sought, "|%s|", text + 4);
		if (sought[0] == '\0' || strstr(codes, sought) == NULL || strstr(out, text) != NULL)
			return EMR_INVALID;
		if (len + 14 > EMR_TERMS_LINE_MAX)
			return EMR_LIMIT;
		len += (size_t)sprintf(out + len, "%s%s", len > 0 ? ", " : "", text);
	}
	return len > 0 ? EMR_OK : EMR_INVALID;
}

/* terms.h: as Crossref recommends. */
static emr_status take_doi(const json_t *value, char out[EMR_TERMS_LINE_MAX + 1])
{
	size_t n = 0;

	EMR_TRY(take_text(value, EMR_TERMS_LINE_MAX, out));
	if (strncmp(out, "10.", 3) == 0)
		n = strspn(out + 3, "0123456789");
	return n >= 4 && n <= 9 && out[3 + n] == '/' && out[4 + n] != '\0' &&
			       out[strspn(out, NAME_CHARS ";()/:")] == '\0'
		       ? EMR_OK
		       : EMR_INVALID;
}

bool emr_agreement_ok(const emr_terms *terms, emr_bytes text)
{
	emr_id32 is = emr_sha256_of(&text, 1);
	char hash[65];

	emr_hex(is.b, sizeof is.b, hash);
	if (text.len == 0 || text.len > EMR_AGREEMENT_MAX ||
		strcmp(hash, terms->words[EMR_TERMS_AGREEMENT]) != 0)
		return false;
	for (size_t at = 0; at < text.len;) {
		const char *line = (const char *)text.data + at;
		const char *end = memchr(line, '\n', text.len - at);
		size_t len = end != NULL ? (size_t)(end - line) : text.len - at;

		if (len > 0 && !emr_shown_name_ok(line, len))
			return false;
		at += len + 1;
	}
	return true;
}

/* The maker of a dataset means the end of that day where it is made; the second that the ledger
 * then has holds for everybody (teams.c). */
static emr_status take_until(const json_t *value, emr_terms *out)
{
	const char *text = json_string_value(value);
	emr_day_span day;

	if (text == NULL || json_string_length(value) != 10 ||
		emr_day_read(text, &day) != EMR_DAY_FINE)
		return EMR_INVALID;
	memcpy(out->until, text, sizeof out->until);
	out->until_unix_s = day.last_unix_s;
	return EMR_OK;
}

/* One of two words. */
static emr_status take_choice(const json_t *value, const char *usual, const char *other, bool *out)
{
	const char *text = json_string_value(value);

	if (text == NULL || (strcmp(text, usual) != 0 && strcmp(text, other) != 0))
		return EMR_INVALID;
	*out = strcmp(text, other) == 0;
	return EMR_OK;
}

/* How copies are made. */
static emr_status take_rule(const char *name, json_t *value, emr_terms *out, const char **out_what)
{
	const struct {
		const char *name, *usual, *other;
		bool *out;
	} choices[] = {{"dates", "moved", "removed", &out->without_dates},
		{"faces", "withheld", "kept", &out->with_faces},
		{"derived", "withheld", "kept", &out->with_derived},
		{"mosaic-tiles", "removed", "kept", &out->with_tiles},
		{"safe-private", "removed", "kept", &out->with_private},
		{"nifti", "withheld", "kept", &out->with_nifti},
		{"edf", "withheld", "kept", &out->with_edf},
		{"genomes", "withheld", "kept", &out->with_genomes}};

	for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
		if (strcmp(name, choices[i].name) == 0) {
			*out_what = choices[i].name;
			return take_choice(
				value, choices[i].usual, choices[i].other, choices[i].out);
		}
	if (strcmp(name, "characteristics") != 0)
		return EMR_INVALID;
	*out_what = "characteristics";
	out->with_characteristics = json_is_true(value);
	return json_is_boolean(value) ? EMR_OK : EMR_INVALID;
}

static emr_status take_count(const json_t *value, json_int_t max, uint64_t *out)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < 0)
		return EMR_INVALID;
	*out = (uint64_t)number;
	return number > max ? EMR_LIMIT : EMR_OK;
}

/* Those before PRICE are never left out. */
enum { PURPOSE, WHO, UNTIL, DATA, PRICE, DAILY_LIMIT, WORDS }; /* WORDS: of a committee */
enum { DOI = WORDS + EMR_TERMS_DOI, DUO, AGREEMENT, MEMBERS };
static const char *const members[MEMBERS] = {"purpose", "who", "until", "data", "price",
	"daily-limit", "contact", "ethics", "licence", "funder", "doi", "duo", "agreement"};

const char *emr_terms_word(size_t index)
{
	return members[WORDS + index];
}

/* *OUT_WHAT: the member as this file calls it. */
static emr_status take_member(
	const char *name, json_t *value, emr_terms *out, bool *has_rule, const char **out_what)
{
	uint64_t daily = 0;
	const char *text;
	emr_status status;
	size_t i = 0;

	while (i < MEMBERS && strcmp(name, members[i]) != 0)
		i++;
	*out_what = i < MEMBERS ? members[i] : "";
	if (i >= WORDS && i < DOI)
		return take_text(value, EMR_TERMS_LINE_MAX, out->words[i - WORDS]);
	switch (i) {
	case PURPOSE:
		return take_text(value, EMR_TERMS_TEXT_MAX, out->purpose);
	case WHO:
		return take_text(value, EMR_TERMS_TEXT_MAX, out->who);
	case UNTIL:
		return take_until(value, out);
	case DATA:
		return take_choice(value, "identified", "de-identified", &out->is_deidentified);
	case PRICE:
		return take_count(value, PRICE_MAX, &out->price);
	case DAILY_LIMIT:
		status = take_count(value, EMR_TERMS_DAILY_MAX, &daily);
		out->daily_limit = (uint32_t)daily;
		return status;
	case DOI:
		return take_doi(value, out->words[EMR_TERMS_DOI]);
	case DUO:
		return take_duo(value, out->words[EMR_TERMS_DUO]);
	case AGREEMENT:
		text = json_string_value(value);
		if (text == NULL || strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64)
			return EMR_INVALID;
		strcpy(out->words[EMR_TERMS_AGREEMENT], text);
		return EMR_OK;
	default:
		if (emr_shown_name_ok(name, strlen(name)))
			snprintf(out->unknown, sizeof out->unknown, "%s", name);
		*out_what = out->unknown;
		*has_rule = true;
		return take_rule(name, value, out, out_what);
	}
}

emr_status emr_terms_parse(emr_bytes json, emr_terms *out, const char **out_what)
{
	json_auto_t *object = NULL;
	json_t *value;
	json_error_t error;
	const char *name;
	bool has_rule = false;

	*out = (emr_terms){.price = 0};
	*out_what = "";
	if (json.len > EMR_TERMS_FILE_MAX)
		return EMR_LIMIT;
	object = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(object))
		return EMR_INVALID;
	json_object_foreach(object, name, value)
		EMR_TRY(take_member(name, value, out, &has_rule, out_what));
	for (size_t i = 0; i < PRICE; i++) {
		*out_what = members[i];
		if (json_object_get(object, members[i]) == NULL)
			return EMR_INVALID;
	}
	/* Records as they are have no such choice, and must not seem to have one: it is "data". */
	return has_rule && !out->is_deidentified ? EMR_INVALID : EMR_OK;
}
