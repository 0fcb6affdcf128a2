/* This file reads the rules that the members of a network have agreed on. A line that this
 * version does not know is passed over, and a value out of range makes the text invalid. */
#include "replica/rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "contract/codes.h"
#include "contract/rows.h"
#include "keyring/card.h"
#include "ledger/hash.h"
#include "replica/ask.h"

#define SALT_BYTES 32
#define NAME_MAX_CHARS 64
#define LINES_MAX 1024 /* each is compared with those before it */

/* ---- the text ---- */

static emr_bytes trimmed(emr_bytes b)
{
	while (b.len > 0 && b.data[0] == ' ') {
		b.data++;
		b.len--;
	}
	while (b.len > 0 && b.data[b.len - 1] == ' ')
		b.len--;
	return b;
}

static bool is_name(emr_bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if (!((b.data[i] >= 'a' && b.data[i] <= 'z') ||
			    (b.data[i] >= '0' && b.data[i] <= '9') || b.data[i] == '-'))
			return false;
	return b.len > 0 && b.len <= NAME_MAX_CHARS;
}

/* Decimal digits up to MOST, without a leading zero. */
static bool read_number(emr_bytes b, uint64_t most, uint64_t *out)
{
	uint64_t n = 0;

	if (b.len == 0 || (b.data[0] == '0' && b.len > 1))
		return false;
	for (size_t i = 0; i < b.len; i++) {
		unsigned digit = b.data[i] - (unsigned)'0';

		if (digit > 9 || n > (most - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = n;
	return true;
}

static const struct {
	const char *name;
	uint64_t most;
} known[] = {
	{"copies", UINT32_MAX},
	{"copies-before-register", UINT32_MAX},
	{"slots-a-day", UINT32_MAX},
	{"deposit-bytes", UINT64_MAX - 1},
	{"deposits-a-day", UINT64_MAX - 1},
};
#define KNOWN (sizeof known / sizeof *known)
_Static_assert(KNOWN == EMR_RULES_KNOWN, "as the header says");

const char *emr_rules_name(size_t which)
{
	return known[which].name;
}

uint64_t emr_rules_value(const emr_rules *rules, size_t which)
{
	const uint64_t all[] = {rules->copies, rules->copies_before_register, rules->slots_a_day,
		rules->deposit_bytes, rules->deposits_a_day};

	return all[which];
}

static void set(emr_rules *rules, size_t which, uint64_t n)
{
	uint32_t *const narrow[] = {
		&rules->copies, &rules->copies_before_register, &rules->slots_a_day};
	uint64_t *const wide[] = {&rules->deposit_bytes, &rules->deposits_a_day};

	if (which < 3)
		*narrow[which] = (uint32_t)n;
	else
		*wide[which - 3] = n;
}

static bool set_known(emr_rules *rules, emr_bytes name, emr_bytes value, unsigned line)
{
	for (size_t i = 0; i < KNOWN; i++) {
		uint64_t n;

		if (!emr_bytes_equal(name, emr_bytes_of(known[i].name, strlen(known[i].name))))
			continue;
		if (!read_number(value, known[i].most, &n))
			return false;
		set(rules, i, n);
		return true;
	}
	if (rules->unknown_line == 0)
		rules->unknown_line = line;
	return true;
}

typedef struct reading {
	emr_rules rules;
	emr_bytes names[LINES_MAX]; /* of other versions, too: each name once */
	size_t n;
} reading;

static bool read_line(reading *r, emr_bytes line, unsigned number)
{
	const uint8_t *sign;
	emr_bytes name, value;

	/* Members agree to what they read. */
	if (!emr_text_ok((const char *)line.data, line.len))
		return false;
	line = trimmed(line);
	if (line.len == 0 || line.data[0] == '#')
		return true;
	sign = memchr(line.data, '=', line.len);
	if (sign == NULL)
		return false;
	name = trimmed(emr_bytes_of(line.data, (size_t)(sign - line.data)));
	value = trimmed(emr_bytes_of(sign + 1, line.len - (size_t)(sign + 1 - line.data)));
	if (!is_name(name) || value.len == 0 || r->n == LINES_MAX)
		return false;
	for (size_t i = 0; i < r->n; i++)
		if (emr_bytes_equal(r->names[i], name))
			return false;
	r->names[r->n++] = name;
	return set_known(&r->rules, name, value, number);
}

emr_status emr_rules_parse(emr_bytes text, emr_rules *out, unsigned *out_line)
{
	reading r = {.rules = EMR_RULES_DEFAULT};
	unsigned number = 0;
	bool is_good = text.len <= EMR_RULES_TEXT_MAX;

	for (size_t at = 0; is_good && at < text.len;) {
		const uint8_t *end = memchr(text.data + at, '\n', text.len - at);
		size_t len = end != NULL ? (size_t)(end - text.data) - at : text.len - at;

		number++;
		is_good = read_line(&r, emr_bytes_of(text.data + at, len), number);
		at += len + 1;
	}
	if (!is_good) {
		if (out_line != NULL)
			*out_line = number;
		return EMR_INVALID;
	}
	*out = r.rules;
	return EMR_OK;
}

emr_status emr_rules_set(emr_bytes text, const char *name, uint64_t value, emr_buf *out)
{
	char line[NAME_MAX_CHARS + 32];
	int len = snprintf(line, sizeof line, "%s = %" PRIu64 "\n", name, value);

	while (text.len > 0) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		emr_bytes one =
			emr_bytes_of(text.data, end != NULL ? (size_t)(end - text.data) : text.len);

		const uint8_t *sign = memchr(one.data, '=', one.len);

		if (sign == NULL ||
			!emr_bytes_equal(trimmed(emr_bytes_of(one.data, (size_t)(sign - one.data))),
				emr_bytes_of(name, strlen(name)))) {
			EMR_TRY(emr_buf_append(out, one.data, one.len));
			EMR_TRY(emr_buf_append(out, "\n", 1));
		}
		one.len += end != NULL;
		text = emr_bytes_of(text.data + one.len, text.len - one.len);
	}
	return emr_buf_append(out, line, (size_t)len);
}

/* ---- in force ---- */

/* The text of HASH stands behind any proposal of it, also one that was not carried. */
static emr_status look_into(
	emr_replica *replica, const emr_known_proposal *p, const uint8_t hash[32], emr_buf *out)
{
	const emr_part_key key = {.family = EMR_FAMILY_ORG, .version = 1, .object = p->proposal};
	EMR_AUTO_BUF part = {0};
	emr_bytes text;
	emr_id32 found;
	emr_status status;

	if (p->row.kind != EMR_PROPOSAL_RULES || memcmp(p->row.subject, hash, 32) != 0)
		return EMR_OK;
	status = emr_replica_part(replica, &key, &part);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND || status == EMR_MISSING_DATA ? EMR_OK : status;
	if (part.len <= SALT_BYTES)
		return EMR_OK;
	text = emr_bytes_of(part.data + SALT_BYTES, part.len - SALT_BYTES);
	found = emr_sha256_of(&text, 1);
	return memcmp(found.b, hash, 32) == 0 ? emr_buf_append(out, text.data, text.len) : EMR_OK;
}

static emr_status find_text(emr_replica *replica, const uint8_t hash[32], emr_buf *out)
{
	emr_known_proposal proposal;
	EMR_ASK(asked, replica, PROPOSALS);

	while (out->len == 0 && emr_next(&asked, &proposal))
		EMR_TRY(look_into(replica, &proposal, hash, out));
	return asked.status;
}

emr_status emr_rules_in_force(
	emr_replica *replica, emr_rules *out, emr_buf *out_text, bool *out_is_read)
{
	EMR_AUTO_BUF own = {0};
	emr_row_network network;
	emr_buf *text = out_text != NULL ? out_text : &own;
	emr_rules rules = EMR_RULES_DEFAULT;
	bool is_read = true;
	emr_status status = emr_replica_network(replica, &network);

	if (status == EMR_OK && !emr_id32_is_zero(EMR_ID32_AT(network.rules))) {
		status = find_text(replica, network.rules, text);
		is_read = text->len > 0 &&
			  emr_rules_parse(emr_buf_view(text), &rules, NULL) == EMR_OK;
	}
	if (status != EMR_OK)
		return status;
	*out = rules;
	if (out_is_read != NULL)
		*out_is_read = is_read;
	return EMR_OK;
}
