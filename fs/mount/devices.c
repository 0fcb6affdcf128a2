/* This file lists a person's computers, and the keys that act as one without being one, for the
 * verb `device`. */
#include "mount/devices.h"

#include "kit/json.h"
#include "kit/out.h"
#include "session/registered.h"
#include "sharing/sharing.h"

/* ---- computers ---- */

emr_status emr_devices_json(const emr_devices_of *of, json_t **out)
{
	EMR_AUTO_BUF devices = {0};
	json_auto_t *list = json_array();

	EMR_TRY(emr_share_devices(of->share, &devices));
	EMR_EACH (const emr_device, device, &devices)
		if (device->is_active &&
			json_array_append_new(
				list, json_pack("{s:s, s:b, s:b, s:b, s:o, s:o}", "name",
					      device->is_first ? "" : device->name, "this",
					      device->is_this, "first", device->is_first,
					      "only_reads", device->only_reads, "added_at",
					      emr_json_time(device->added_unix_s), "seen_at",
					      emr_json_time(device->seen_unix_s))) != 0)
			return EMR_NO_MEMORY;
	*out = json_incref(list);
	return list != NULL ? EMR_OK : EMR_NO_MEMORY;
}

/* ---- keys that are no computer of hers ---- */

emr_status emr_stranger_json(const emr_devices_of *of, const emr_stranger *s, json_t **out)
{
	static const char *const kinds[] = {"", "manager", "writer", "grant"};
	emr_registered who = {.organisation = ""};
	char key[2 * EMR_STRANGER_KEY_BYTES + 1];

	emr_hex(s->who.b, EMR_STRANGER_KEY_BYTES, key);
	if (emr_registered_find(of->replica, of->descriptor, s->who,
		    emr_clock_unix_s(emr_clock_system()), &who) != EMR_OK)
		who.organisation[0] = '\0'; /* a team, or nobody says */
	*out = json_pack("{s:s, s:s, s:o}", "kind", kinds[s->kind], "key", key, "organisation",
		emr_json_text(who.organisation));
	return *out != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static bool is_listed(const json_t *list, const json_t *one)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_equal(json_array_get(list, i), one))
			return true;
	return false;
}

emr_status emr_strangers_json(const emr_devices_of *of, json_t **out)
{
	EMR_AUTO_BUF strangers = {0};
	json_auto_t *list = json_array();

	EMR_TRY(emr_strangers(
		of->keyring, of->replica, emr_clock_unix_s(emr_clock_system()), &strangers));
	EMR_EACH (const emr_stranger, s, &strangers) {
		json_auto_t *one = NULL;

		EMR_TRY(emr_stranger_json(of, s, &one));
		if (!is_listed(list, one) && json_array_append(list, one) != 0)
			return EMR_NO_MEMORY;
	}
	*out = json_incref(list);
	return list != NULL ? EMR_OK : EMR_NO_MEMORY;
}

/* ---- the open folder ---- */

static emr_status list_devices(const emr_devices_of *of, const emr_sink *sink)
{
	json_auto_t *devices = NULL, *strangers = NULL;

	EMR_TRY(emr_devices_json(of, &devices));
	EMR_TRY(emr_strangers_json(of, &strangers));
	return emr_emit(sink, json_pack("{s:b, s:O, s:O}", "done", 1, "devices", devices,
				      "strangers", strangers));
}

emr_status emr_answer_devices(emr_session *session, const emr_request *request,
	const emr_sink *sink, emr_problem *out_problem)
{
	emr_devices_of of = {.keyring = session->keyring,
		.replica = session->replica,
		.descriptor = emr_ledger_descriptor(session->ledger)};
	/* The list has what a verb beside the folder has just done; without the ledger it has what
	 * is known here. */
	emr_status status = emr_sharing_begin(session, &of.share);

	(void)request;
	if (of.share != NULL && (status == EMR_OK || emr_status_may_pass(status)))
		status = list_devices(&of, sink);
	emr_share_free(of.share);
	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, "The ledger");
	return status;
}
