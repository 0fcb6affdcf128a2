/* This file carries out `emrfs recover --lost`: after a computer was stolen it ends the rights of
 * all other computers and of everybody whom they let in, begins new keys, and says plainly what
 * that cannot undo. */
#include "verbs_private.h"

#include <inttypes.h>
#include <unistd.h>

#include "kit/language.h"
#include "session/acting.h"
#include "share/devices.h"

typedef struct cutting {
	emr_acting acting; /* places and keyring are borrowed */
	emr_out *out;
	json_t *removed, *ended;
} cutting;

static void cutting_end(cutting *c)
{
	c->acting.places = (emr_places){0};
	c->acting.session.keyring = NULL;
	emr_acting_end(&c->acting);
	json_decref(c->removed);
	json_decref(c->ended);
}

static emr_status note_removed(const cutting *c, const emr_device *device)
{
	emr_say(c->out, "%s is removed: it opens nothing of what is saved from now on.\n",
		device->name);
	return json_array_append_new(c->removed, json_string(device->name)) == 0 ? EMR_OK
										 : EMR_NO_MEMORY;
}

static emr_status note_ended(const cutting *c, const emr_stranger *s)
{
	static const char *const could[] = {
		"", N_("do in your folders what you may"), N_("write there"), N_("read there")};
	char key[17];

	emr_hex(s->who.b, 8, key);
	emr_say(c->out, "key %s could %s and was not added by you: ended.\n", key,
		emr_text(could[s->kind]));
	return json_array_append_new(c->ended, json_string(key)) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

/* Also what was done before an error. */
static emr_status cut_off(const cutting *c, emr_lost *out_lost)
{
	EMR_AUTO_BUF removed = {0}, ended = {0};
	emr_status status = emr_share_cut_off(c->acting.share, &removed, &ended, out_lost);

	EMR_EACH (const emr_stranger, stranger, &ended)
		EMR_TRY(note_ended(c, stranger));
	EMR_EACH (const emr_device, device, &removed)
		EMR_TRY(note_removed(c, device));
	return status;
}

static void say_cut(const cutting *c, const emr_lost *lost)
{
	if (!lost->is_first)
		emr_say(c->out, "This is not your first computer, and only that one can remove "
				"others and begin new keys. There: emrfs recover "
				"--lost\n");
	else if (json_array_size(c->removed) == 0)
		emr_say(c->out,
			"No other computer of yours is on your ledger: there is none to remove.\n");
	if (lost->epochs > 0)
		emr_say(c->out,
			"New keys begin in %" PRIu64 " of your folders: earlier letters and "
			"fragments do not open what comes now.\n",
			lost->epochs);
	else if (lost->is_first && !lost->has_others)
		emr_say(c->out,
			"Nobody else is on your ledger: nobody has keys that would have to end.\n");
}

static void say_rest(emr_out *out)
{
	emr_say(out, "What this cannot do: whoever finds out the passphrase of what you lost sees "
		     "everything that was saved until now. From "
		     "your first computer, its disk or a backup he sees later records, too, should "
		     "he get them, because all your keys come "
		     "from the same 24 words.\n"
		     "The only full remedy is a new keyring: emrfs --as new init, then copy your "
		     "records into its folder.\n");
}

emr_status emr_lost_cut_off(const emr_places *places, int state_fd, emr_keyring *keyring,
	emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(cutting_end)))
	cutting c = {.acting = {.places = *places, .session = EMR_SESSION_CLOSED},
		.out = out,
		.removed = json_array(),
		.ended = json_array()};
	emr_lost lost = {0};
	emr_status status = c.removed != NULL && c.ended != NULL ? EMR_OK : EMR_NO_MEMORY;

	c.acting.session.keyring = keyring;
	c.acting.session.state_fd = dup(state_fd);
	if (status == EMR_OK)
		status = emr_acting_open(&c.acting, out_problem);
	if (status == EMR_OK)
		status = cut_off(&c, &lost);
	if (status == EMR_OK)
		status = emr_acting_forget_opened(&c.acting);
	if (status != EMR_OK) {
		if (!out_problem->is_set)
			emr_problem_set_status(out_problem, status, _("The ledger"));
		return status;
	}
	emr_out_put(out, "removed_devices", json_incref(c.removed));
	emr_out_put(out, "ended", json_incref(c.ended));
	emr_out_number(out, "epochs", lost.epochs);
	say_cut(&c, &lost);
	say_rest(out);
	return EMR_OK;
}
