/* This fuzz target reads any text as the rules of a network: it gives limits, or a refusal;
 * comments and names of other versions change nothing, and one value that is set changes no other.
 */
#include <stdlib.h>
#include <string.h>

#include "replica/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char more[] = "\n# nothing\nzz-of-another-version-zz = 1\n";
	EMR_AUTO_BUF text = {0};
	EMR_AUTO_BUF with = {0};
	emr_rules rules, again;
	unsigned line = 0;

	if (emr_rules_parse(emr_bytes_of(data, size), &rules, &line) != EMR_OK) {
		if (line == 0 && size <= EMR_RULES_TEXT_MAX)
			abort();
		return 0;
	}
	if (emr_rules_set(emr_bytes_of(data, size), "deposits-a-day", 12345, &with) != EMR_OK)
		return 0;
	if (emr_rules_parse(emr_buf_view(&with), &again, NULL) == EMR_OK) {
		for (size_t i = 0; i < EMR_RULES_KNOWN; i++)
			if (emr_rules_value(&again, i) !=
				(strcmp(emr_rules_name(i), "deposits-a-day") == 0
						? 12345
						: emr_rules_value(&rules, i)))
				abort();
	} else if (size <= 1024) { /* longer ones may have no room for one line more */
		abort();
	}
	if (size > 4096 || memmem(data, size, "zz-of", 5) != NULL)
		return 0;
	if (emr_buf_append(&text, data, size) != EMR_OK ||
		emr_buf_append(&text, more, sizeof more - 1) != EMR_OK)
		return 0;
	if (emr_rules_parse(emr_buf_view(&text), &again, NULL) != EMR_OK ||
		again.slots_a_day != rules.slots_a_day ||
		again.deposit_bytes != rules.deposit_bytes ||
		again.deposits_a_day != rules.deposits_a_day || again.copies != rules.copies ||
		again.copies_before_register != rules.copies_before_register)
		abort();
	return 0;
}
