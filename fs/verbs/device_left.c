/* This file is the last step of `emrfs device remove`. It lists what the removed computer signed
 * about the owner's files, first what others see, and says how each can be taken back. It changes
 * nothing itself: only the owner knows which of it was the thief's. */
#include "verbs_private.h"

#include <string.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/text.h"
#include "share/devices.h"

/* By path, those first that others see. */
static int by_sight(const void *a, const void *b)
{
	const emr_said *x = a, *y = b;

	return x->is_shared != y->is_shared ? y->is_shared - x->is_shared
					    : strcmp(x->path, y->path);
}

static const char *const kinds[] = {[EMR_SAID_NEW] = "new",
	[EMR_SAID_CHANGED] = "changed",
	[EMR_SAID_MOVED] = "moved",
	[EMR_SAID_REMOVED] = "removed"};

static emr_status put_one(json_t *list, const emr_said *said)
{
	char at[EMR_TEXT_BYTES];
	json_t *one = json_object();

	emr_time_json((int64_t)said->at_unix_s, at);
	if (one == NULL || json_object_set_new(one, "path", emr_json_text(said->path)) != 0 ||
		json_object_set_new(one, "at", json_string(at)) != 0 ||
		json_object_set_new(one, "kind", json_string(kinds[said->kind])) != 0 ||
		json_object_set_new(one, "shared", json_boolean(said->is_shared)) != 0 ||
		json_object_set_new(one, "let_in", json_boolean(said->is_let_in)) != 0 ||
		json_object_set_new(one, "changed_since", json_boolean(said->is_changed_since)) !=
			0) {
		json_decref(one);
		return EMR_NO_MEMORY;
	}
	return json_array_append_new(list, one) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

static void say_one(emr_out *out, const emr_said *said)
{
	char at[EMR_TEXT_BYTES], when[EMR_TEXT_BYTES], path[4 * sizeof said->path];

	emr_time_json((int64_t)said->at_unix_s, at);
	emr_moment_text(at, when);
	emr_show(said->path[0] != '\0' ? said->path : "?", path, sizeof path);
	if (said->is_changed_since)
		emr_say(out, "  %s, last saved or moved by it %s, and by somebody else since\n",
			path, when);
	else if (said->kind == EMR_SAID_NEW)
		emr_say(out, "  %s, put there %s\n", path, when);
	else if (said->kind == EMR_SAID_CHANGED)
		emr_say(out, "  %s, changed %s\n", path, when);
	else if (said->kind == EMR_SAID_MOVED)
		emr_say(out, "  %s, moved or renamed %s\n", path, when);
	else
		emr_say(out, "  %s, removed %s\n", path, when);
}

emr_status device_left_say(const device_left *left)
{
	EMR_AUTO_BUF said = {0};
	json_t *list = json_array();
	emr_status status = list == NULL ? EMR_NO_MEMORY : EMR_OK;
	const emr_said *all;
	size_t n;

	if (status == EMR_OK)
		status = emr_share_said_by(left->of.share, left->device, left->since_unix_s, &said);
	n = said.len / sizeof *all;
	emr_buf_sort(&said, sizeof *all, by_sight);
	all = (const emr_said *)(const void *)said.data;
	for (size_t i = 0; i < n && status == EMR_OK; i++) {
		if (i == 0 && all[i].is_shared)
			emr_say(left->out, "In folders that you share its key signed:\n");
		else if (!all[i].is_shared && (i == 0 || all[i - 1].is_shared))
			emr_say(left->out, "Where only you see it its key signed:\n");
		say_one(left->out, &all[i]);
		status = put_one(list, &all[i]);
	}
	emr_out_put(left->out, "deeds", list);
	if (status == EMR_OK && n > 0)
		emr_say(left->out, "Nothing of it was changed. If one is wrong: emrfs restore "
				   "--list PATH shows "
				   "its earlier versions, and emrfs restore PATH@v1 brings one "
				   "back, also of a "
				   "removed file; delete what does not belong there; emrfs move "
				   "FROM TO puts a "
				   "folder back; emrfs revoke PATH from WHO ends a share.\n");
	return status;
}
