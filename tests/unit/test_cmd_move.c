/* Everybody who would see a moved folder is named whole, however long the names are, before a
 * person agrees to it. */
#include "emr_test.h"

#include "mount/client.h"
#include "people/who.h"
#include "verbs/cmd.h"

static char names[EMR_WHO_TEXT_BYTES];

WRAPPED(emr_status, emr_client_find, const char *as, emr_client *out_client,
	emr_problem *out_problem)
{
	(void)as;
	(void)out_client;
	(void)out_problem;
	return EMR_OK;
}

WRAPPED(emr_status, emr_client_ask, emr_client *client, const emr_request *request, int timeout_ms,
	json_t **out_object, emr_problem *out_problem)
{
	(void)client;
	(void)timeout_ms;
	(void)out_problem;
	assert_true(request->ask != EMR_ASK_MOVE || request->look); /* nobody said yes */
	*out_object = json_pack("{s:s, s:s, s:s, s:[s], s:[]}", "folder", "/usr", "names", names,
		"shown", "", "gains", "lima", "loses");
	return *out_object != NULL ? EMR_OK : EMR_NO_MEMORY;
}

TEST(those_who_would_see_it_are_named_whole)
{
	emr_args args = {.n_operands = 2};
	emr_out out = {.is_json = true};
	emr_problem said = {0};

	args.operands[0] = "/usr/bin";
	args.operands[1] = "/usr/lib";
	args.given[EMR_OPT_JSON] = true;
	while (strlen(names) + 3 + sizeof "; ..." <= sizeof names)
		(void)strcat(names, "\xc3\xa3");
	(void)strcat(names, "; ...");
	assert_int_equal(emr_cmd_move(&args, &out, &said), EMR_DENIED);
	assert_true(said.is_set);
	assert_int_equal(said.message, EMR_SAY_WOULD_SHARE);
	assert_string_equal(said.text, printed("This lets %s see bin. Nothing was done.", names));
}

TESTS(NULL, NULL)
