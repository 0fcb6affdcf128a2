/* These tests show what status and verify say of a version's signature, in words. */
#include "emr_test.h"
#include "people/origin.h"

TEST(only_what_stands_behind_the_time_is_a_note)
{
	static const struct {
		const char *signature, *note;
	} tries[] = {
		{"self at=2026-11-20T14:05:00Z", ""},
		{"valid by=Paula Lima, amendment at=2026-11-20T14:05:00Z", ""},
		{"valid by=superseded at=2026-11-20T14:05:00Z amendment", "amendment"},
		{"stale by=A at=2026-11-20T14:05:00Z amendment gap", "amendment gap"},
		{"valid by=A at=2026-11-20T14:05:00Z superseded", "superseded"},
		{"valid by=A at=2026-11-20T14:05:00Z superseded placed", "superseded"},
		{"valid by=A at=2026-11-20T14:05:00Z amendment gap placed", "amendment gap"},
		{"valid by=A at=2026-11-20T14:05:00Z amendment placed", "amendment"},
		{"valid by=A at=2026-11-20T14:05:00Z placed", ""},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof tries / sizeof *tries; i++)
		assert_string_equal(emr_origin_note(tries[i].signature), tries[i].note);
}

static void expect_text(
	const char *note, bool is_placed, const char *signature, const char *by, const char *wanted)
{
	json_t *signed_by = json_pack("{s:b, s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:s, s:[s]}", "own",
		0, "by", by, "organisation", by[0] != '\0' ? "São Lucas" : "", "signature",
		signature, "note", note, "at", by[0] != '\0' ? "2026-11-20T14:05:00Z" : "",
		"placed", is_placed, "entry", (json_int_t)7, "tx", "ab", "witnesses",
		"Clínica Aurora");
	EMR_AUTO_FREE char *text = emr_origin_text(signed_by);

	assert_non_null(text);
	assert_string_equal(text, wanted);
	json_decref(signed_by);
}

#define SIGNED "Signed by Paula Lima, São Lucas, 20 Nov 2026 14:05"

TEST(a_note_is_a_sentence_behind_the_signer)
{
	expect_text("", false, "valid", "Paula Lima", SIGNED ": valid.\n");
	expect_text("", false, "valid", "São Lucas",
		"Signed by São Lucas, 20 Nov 2026 14:05: valid.\n");
	expect_text("amendment", false, "valid", "Paula Lima",
		SIGNED ": valid.\nIt amends an earlier version.\n");
	expect_text("amendment gap", false, "valid", "Paula Lima",
		SIGNED ": valid.\nA version is missing: this one amends an earlier one that is not "
		       "here any more. Ask who signed it.\n");
	expect_text("superseded", false, "stale", "Paula Lima",
		SIGNED ": stale.\nSuperseded: somebody else has signed a newer version, and the "
		       "owner put this one back on top of it.\n"
		       "To its owner, emrfs restore --list PATH shows both.\n");
}

TEST(who_put_it_here_is_said)
{
	expect_text("", true, "valid", "Paula Lima", SIGNED ": valid.\nThe owner put it here.\n");
	expect_text("", true, "unopened", "",
		"Who signed it shows once it was opened here.\nThe owner put it here.\n");
	expect_text("", false, "unopened", "Paula Lima",
		SIGNED ": not checked yet, because it was not opened here.\n");
}

TEST(the_organisation_of_ones_own_ledger_is_not_said)
{
	json_t *signed_by = json_pack("{s:b, s:s, s:s, s:s, s:s}", "own", 1, "by", "Ana",
		"organisation", "home", "signature", "self", "at", "2026-11-20T14:05:00Z");
	EMR_AUTO_FREE char *text = emr_origin_text(signed_by);

	assert_string_equal(text, "Signed by you, 20 Nov 2026 14:05.\n");
	json_decref(signed_by);
}

static int in_greenwich(void **state)
{
	(void)state;
	return setenv("TZ", "UTC", 1);
}

TESTS(in_greenwich, NULL)
