/* These tests show which code lets a value share more by an attribute: that of the folder itself,
 * in this opening, and once in a value. */
#include "view_kit.h"

#include "view/giving.h"

#include "node.h"

typedef struct given {
	unsigned times;
	bool is_confirmed;
	char value[100];
} given;

static emr_status note_set(
	void *arg, const char *path, const char *who, emr_bytes value, bool is_confirmed)
{
	given *g = arg;

	assert_string_equal(path, "Imaging");
	assert_string_equal(who, "lima");
	assert_true(value.len < sizeof g->value);
	g->times++;
	g->is_confirmed = is_confirmed;
	memcpy(g->value, value.data, value.len);
	g->value[value.len] = 0;
	return EMR_OK;
}

static const emr_giving giving = {.set = note_set};

/* Imaging and Letters, and who hears what would be shared. */
static void with_folders(kit *k, given *g)
{
	kit_open(k);
	*g = (given){0};
	k->view->options.giving = &giving;
	k->view->options.giving_arg = g;
	kit_mkdir(k, "Imaging");
	kit_mkdir(k, "Letters");
}

static const char *code_of(kit *k, const char *path)
{
	return kit_attribute(k, path, "user.emrfs.confirm");
}

/* Whether VALUE comes with the code of Imaging; what it says without is "read until=2031". */
static bool confirms(kit *k, given *g, const char *value)
{
	unsigned before = g->times;

	assert_ok(emr_view_set_attribute(k->view, kit_attr(k, "Imaging").node,
		"user.emrfs.grant.lima", emr_bytes_of(value, strlen(value)), 0));
	assert_int_equal(g->times, before + 1);
	assert_string_equal(g->value, "read until=2031");
	return g->is_confirmed;
}

TEST(only_the_code_of_the_folder_confirms_what_is_said_of_it)
{
	char right[16], other[16];
	given g;

	SCENE_OF(kit, k, kit_close, with_folders, &g);
	snprintf(right, sizeof right, "%s", code_of(&k, "Imaging"));
	snprintf(other, sizeof other, "%s", code_of(&k, "Letters"));
	assert_false(confirms(&k, &g, "read until=2031"));
	assert_false(confirms(&k, &g, "read until=2031 confirm=abcdefgh"));
	assert_false(confirms(&k, &g, "read until=2031 confirm="));
	assert_false(confirms(&k, &g, printed("read until=2031 confirm=%s", other)));
	assert_false(confirms(&k, &g, printed("read until=2031 confirm=%sa", right)));
	assert_true(confirms(&k, &g, printed("read until=2031 confirm=%s", right)));
	assert_true(confirms(&k, &g, printed("read confirm=%s until=2031", right)));
	/* One guess a value. */
	assert_false(
		confirms(&k, &g, printed("read until=2031 confirm=abcdefgh confirm=%s", right)));
}

TEST(a_code_is_of_one_folder_and_one_opening_and_is_not_listed)
{
	EMR_AUTO_BUF names = {0};
	char before[16], other[16];

	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "Imaging");
	kit_mkdir(&k, "Letters");
	snprintf(before, sizeof before, "%s", code_of(&k, "Imaging"));
	snprintf(other, sizeof other, "%s", code_of(&k, "Letters"));
	assert_int_equal(strlen(before), 8);
	assert_string_not_equal(before, other);
	assert_string_equal(code_of(&k, "Imaging"), before);
	assert_ok(emr_view_list_attributes(k.view, kit_attr(&k, "Imaging").node, &names));
	assert_int_equal(names.len, 0); /* what emrfs says is in no list */
	kit_publish_all(&k);
	kit_restart_and_compare(&k);
	assert_string_not_equal(code_of(&k, "Imaging"), before);
}

TESTS(NULL, NULL)
