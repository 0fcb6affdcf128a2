/* A grant names purposes (treatment, legal ...), and says who releases its keys while its owner is
 * away. This file turns the words into the bits of the ledger and back, with the codes of HL7. */
#include "kit/purposes.h"

#include <stdio.h>
#include <string.h>

/* By bit number; the codes are those of HL7's value set v3-PurposeOfUse. */
static const struct {
	const char *word, *code;
} purposes[] = {{"treatment", "TREAT"}, {"payment", "HPAYMT"}, {"operations", "HOPERAT"},
	{"research", "HRESCH"}, {"emergency", "ETREAT"}, {"self", "PATRQT"},
	{"public-health", "PUBHLTH"}, {"legal", "HLEGAL"}, {"family", "FAMRQT"}};
#define COUNT (sizeof purposes / sizeof *purposes)

static bool one_bit(const char *word, size_t len, uint32_t *bits)
{
	for (size_t i = 0; i < COUNT; i++) {
		if (strlen(purposes[i].word) == len && memcmp(purposes[i].word, word, len) == 0) {
			*bits |= (uint32_t)1 << i;
			return true;
		}
	}
	return false;
}

bool emr_purposes_parse(const char *text, uint32_t *out_bits)
{
	uint32_t bits = 0;

	for (;;) {
		size_t len = strcspn(text, ",");

		if (!one_bit(text, len, &bits))
			return false;
		if (text[len] == '\0')
			break;
		text += len + 1;
	}
	*out_bits = bits;
	return true;
}

void emr_purposes_text(uint32_t bits, char out[EMR_PURPOSES_TEXT_BYTES])
{
	size_t at = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < 32 && at + 20 < EMR_PURPOSES_TEXT_BYTES; i++) {
		if ((bits & (uint32_t)1 << i) == 0)
			continue;
		if (i < COUNT)
			snprintf(out + at, EMR_PURPOSES_TEXT_BYTES - at, "%s%s", at > 0 ? ", " : "",
				purposes[i].word);
		else
			snprintf(out + at, EMR_PURPOSES_TEXT_BYTES - at, "%s%u", at > 0 ? ", " : "",
				i);
		at += strlen(out + at);
	}
}

const char *emr_purpose_code(unsigned bit)
{
	return bit < COUNT ? purposes[bit].code : NULL;
}

static const struct {
	const char *word;
	emr_away away;
} rules[] = {{"others", EMR_AWAY_OTHERS}, {"own", EMR_AWAY_OWN}, {"nobody", EMR_AWAY_NOBODY}};

const char *emr_away_word(emr_away away)
{
	size_t i = 0;

	while (rules[i].away != away && i + 1 < sizeof rules / sizeof *rules)
		i++;
	return rules[i].word;
}

bool emr_away_parse(const char *text, emr_away *out_away)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		if (strcmp(text, rules[i].word) == 0) {
			*out_away = rules[i].away;
			return true;
		}
	}
	return false;
}
