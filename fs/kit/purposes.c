/* A grant names purposes (treatment, legal ...), and says who releases its keys while its owner is
 * away. This file turns the words that people write into the bits of the ledger and back. */
#include "kit/purposes.h"

#include <stdio.h>
#include <string.h>

static bool one_bit(const char *word, size_t len, uint32_t *bits)
{
	const char *known;

	for (unsigned i = 0; (known = emr_purpose_word(i)) != NULL; i++) {
		if (strlen(known) == len && memcmp(known, word, len) == 0) {
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
	const char *word;

	out[0] = '\0';
	for (unsigned i = 0; i < 32 && at + 20 < EMR_PURPOSES_TEXT_BYTES; i++) {
		if ((bits & (uint32_t)1 << i) == 0)
			continue;
		word = emr_purpose_word(i);
		if (word != NULL)
			snprintf(out + at, EMR_PURPOSES_TEXT_BYTES - at, "%s%s", at > 0 ? ", " : "",
				word);
		else
			snprintf(out + at, EMR_PURPOSES_TEXT_BYTES - at, "%s%u", at > 0 ? ", " : "",
				i);
		at += strlen(out + at);
	}
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
