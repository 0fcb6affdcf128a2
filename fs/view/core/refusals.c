/* A program that is refused something shows only the short text of an error number. This file
 * tells the person why, as a notice, and not more often than twenty times a minute. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"

#include "health.h"
#include "node.h"
#include "tree.h"

/* A program that tries a thousand times is told of as often as it gets an errno, a person is not.
 */
#define WINDOW_NS INT64_C(60000000000)
#define TOLD_IN_WINDOW 20

static const struct {
	emr_status status;
	const char *id;
} told[REFUSALS] = {
	{EMR_TOO_BIG, "too-big"},
	{EMR_RESERVED_NAME, "reserved-name"},
	{EMR_NO_HARD_LINKS, "no-hard-links"},
};

bool refusals_may_tell(emr_view *view, size_t kind)
{
	refusal_window *w = &view->refusals[kind];
	int64_t now = emr_clock_boot_ns(view->options.clock);

	if (w->count == 0 || now - w->since_boot_ns > WINDOW_NS)
		*w = (refusal_window){.since_boot_ns = now};
	if (w->count >= TOLD_IN_WINDOW)
		return false;
	w->count++;
	return true;
}

void refusals_tell_with(emr_view *view, const char *error_id, const char *path, const char *detail)
{
	const emr_view_options *o = &view->options;

	if (o->notice_with != NULL)
		o->notice_with(o->notice_arg, error_id, path, detail);
	else if (o->notice != NULL)
		o->notice(o->notice_arg, error_id, path);
}

const char *refusals_reason(emr_status failure, uint8_t result)
{
	if (failure != EMR_REFUSED)
		return emr_status_text(failure);
	switch (result) {
	case EMR_RESULT_SUBMITTER:
	case EMR_RESULT_KEY_DEAD:
		return "your key is not in force there";
	case EMR_RESULT_NOT_AUTHORISED:
		return "you may not do this there";
	case EMR_RESULT_TIME_AHEAD:
	case EMR_RESULT_EXPIRED_BATCH:
		return "the clock of this computer does not fit the ledger's";
	case EMR_RESULT_GONE:
		return "it was erased";
	case EMR_RESULT_LIMIT:
		return "it is over a limit of the network";
	case EMR_RESULT_RULES:
		return "the rules of the network do not allow it";
	}
	return emr_result_text(result);
}

/* The path of NAME in node N, or of N itself without a name; owned, NULL when there is none. */
static char *path_of(const node *n, const char *name)
{
	char *directory, *path;

	if (n == NULL || n->state != NODE_LIVE)
		return NULL;
	directory = tree_path(n);
	if (directory == NULL || name == NULL)
		return directory;
	if (asprintf(&path, "%s%s%s", directory, directory[0] != '\0' ? "/" : "", name) < 0)
		path = NULL;
	free(directory);
	return path;
}

emr_status emr_view_refuse(emr_view *view, uint64_t number, const char *name, emr_status status)
{
	const char *id = status == EMR_READ_ONLY ? "read-only"
			 : name == NULL		 ? NULL /* reading says it itself */
			 : status == EMR_DENIED	 ? "no-grant"
			 : status == EMR_QUOTA	 ? "deposits-full"
						 : NULL;
	char *path = NULL;

	if (status == EMR_IO)
		disk_hear(view, status);
	if (id != NULL)
		kind_tell_refused(view, number, name, id);
	for (size_t i = 0; i < REFUSALS && view->options.notice != NULL; i++) {
		if (told[i].status != status)
			continue;
		pthread_mutex_lock(&view->lock);
		if (refusals_may_tell(view, i))
			path = path_of(tree_by_number(view, number), name);
		pthread_mutex_unlock(&view->lock);
		if (path != NULL)
			view->options.notice(view->options.notice_arg, told[i].id, path);
	}
	free(path);
	return status;
}
