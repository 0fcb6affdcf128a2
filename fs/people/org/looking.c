/* This file answers for an administrator's open folder what the verbs say that only look at the
 * organisation: nobody is asked for a passphrase to see what the folder has open. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "kit/out.h"
#include "org/proposals.h"

#include "org_private.h"

static const struct {
	const char *name;
	emr_bureau_work *work; /* looks alone, with so few operands */
} looks[] = {{"show", emr_org_show}, {"rules", org_show_rules}, {"team", org_show_team},
	{"contract", emr_org_contract}, {"host", emr_org_host}};

/* A frame has a limit, and lists have none. */
static emr_status emit_all(json_t *fields, const char *text, const emr_sink *sink)
{
	json_auto_t *said = json_array(), *last = json_pack("{s:b}", "done", 1);
	int failed = said == NULL || last == NULL;
	const char *name;
	json_t *value;

	while (!failed && *text != '\0') {
		const size_t n = strcspn(text, "\n") + 1;

		failed |= json_array_append_new(said, json_stringn(text, n));
		text += n;
	}
	EMR_TRY(failed ? EMR_NO_MEMORY : emr_emit_list("said", said, sink));
	json_object_foreach(fields, name, value)
	{
		if (json_array_size(value) > 0)
			EMR_TRY(emr_emit_list(name, value, sink));
		else
			failed |= json_object_set(last, name, value);
	}
	return failed ? EMR_NO_MEMORY : emr_emit(sink, json_incref(last));
}

static emr_status look(emr_bureau_work *work, const emr_request *request, emr_bureau *bureau,
	const emr_sink *sink, emr_problem *out_problem)
{
	const emr_args args = {.verb = EMR_VERB_ORG,
		.n_operands = request->who[0] != '\0' ? 2 : 1,
		.operands = {request->name, request->who}};
	json_auto_t *fields = json_object();
	EMR_AUTO_FREE char *text = NULL;
	size_t len = 0;
	emr_out out = {.verb = EMR_VERB_ORG, .fields = fields, .to = open_memstream(&text, &len)};
	emr_status status = fields != NULL && out.to != NULL ? EMR_OK : EMR_NO_MEMORY;

	if (status == EMR_OK)
		status = work(&args, &out, bureau, out_problem);
	if (out.to != NULL && fclose(out.to) != 0)
		status = EMR_NO_MEMORY;
	return status == EMR_OK ? emit_all(fields, text, sink) : status;
}

emr_status emr_answer_org(emr_session *session, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	emr_bureau bureau = EMR_BUREAU_CLOSED;
	emr_bureau_work *work = NULL;
	emr_status status = EMR_INVALID;

	for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
		if (strcmp(request->name, looks[i].name) == 0)
			work = looks[i].work;
	/* With an operand the others sign. */
	if (work != NULL && (request->who[0] != '\0') == (work == org_show_team))
		status = emr_bureau_of_open(session, &bureau, out_problem);
	if (status == EMR_OK)
		status = look(work, request, &bureau, sink, out_problem);
	emr_bureau_let_go(&bureau);
	/* The verb finds by itself what an answer has no room for. */
	return status == EMR_OK || out_problem->is_set
		       ? status
		       : emr_emit(sink, json_pack("{s:b, s:b}", "done", 1, "is_cut", 1));
}
