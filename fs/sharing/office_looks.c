/* These are looks of the office's thread: it answers questions for keys, tells the owner when the
 * owner's key was revoked, begins new keys after somebody's access has ended, and passes keys on to
 * the owner's other computers. */
#include "sharing/office_looks.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "contract/codes.h"
#include "contract/rows.h"
#include "keyring/coowned.h"
#include "ledger/hash.h"
#include "replica/ask.h"
#include "session/registered.h"
#include "share/devices.h"
#include "share/give.h"
#include "share/release.h"

#define DAY_NS (INT64_C(86400) * 1000000000)

/* Acts that need the owner's own seed are not tried on a device. */
static bool is_device(const emr_visit *visit)
{
	return emr_keyring_kind_of(visit->session->keyring) == EMR_KEYRING_DEVICE;
}

/* ---- what several looks need ---- */

emr_status emr_visit_sees(const emr_visit *visit, emr_is_of *is_of, bool *out_sees)
{
	EMR_ASK(asked, visit->session->replica, SINCE, .at = visit->from);
	emr_replica_change change;

	*out_sees = visit->from == 0;
	while (!*out_sees && emr_next(&asked, &change))
		*out_sees = is_of(&change);
	return asked.status;
}

emr_status emr_visit_is_due(const emr_visit *visit, emr_is_of *is_of, bool *out_is)
{
	EMR_TRY(emr_visit_sees(visit, is_of, out_is));
	*out_is = *out_is && !visit->session->read_only && !is_device(visit);
	return EMR_OK;
}

emr_buf *emr_visit_told(emr_visit *visit)
{
	if (visit->memory == NULL)
		visit->memory = calloc(1, sizeof(emr_buf));
	return visit->memory;
}

bool emr_told_has(const emr_buf *told, emr_id16 grant)
{
	return emr_buf_has(told, emr_bytes_of(grant.b, sizeof grant));
}

void emr_told_end(void *memory)
{
	if (memory == NULL)
		return;
	emr_buf_free(memory);
	free(memory);
}

/* ---- the owner's answers ---- */

emr_status emr_look_release(emr_visit *visit)
{
	emr_release *release = visit->memory;
	emr_release_tally tally;
	emr_status status;

	if (is_device(visit))
		return EMR_OK;
	if (release == NULL)
		EMR_TRY(emr_release_new(visit->share, &release));
	visit->memory = release;
	status = emr_release_run(release, &tally);
	if (status == EMR_OK && tally.next_ms == 0)
		visit->due_boot_ns = 0;
	if (tally.answered + tally.refused > 0)
		emr_log(EMR_LOG_INFO, "office: %zu questions answered, %zu refused", tally.answered,
			tally.refused);
	return status;
}

void emr_look_release_end(void *memory)
{
	emr_release_free(memory);
}

/* ---- one's own key ---- */

emr_status emr_look_own_key(emr_visit *visit)
{
	emr_problem problem = {0};

	if (visit->memory != NULL || !emr_own_key_is_revoked(visit->session, &problem))
		return EMR_OK;
	visit->memory = malloc(1); /* told */
	if (visit->memory == NULL)
		return EMR_NO_MEMORY;
	emr_notices_add_problem(visit->notices, &problem, "");
	return EMR_OK;
}

/* ---- epochs ---- */

emr_status emr_look_epochs(emr_visit *visit)
{
	int64_t now = emr_clock_boot_ns(emr_clock_system()), *due = visit->memory;
	EMR_AUTO_BUF domains = {0};
	emr_status first = EMR_OK;

	if (due != NULL && now < *due) {
		visit->due_boot_ns = *due;
		return EMR_OK;
	}
	if (due == NULL)
		due = malloc(sizeof *due);
	if (due == NULL)
		return EMR_NO_MEMORY;
	*due = now; /* not done yet */
	visit->memory = due;
	EMR_TRY(emr_replica_own_domains(visit->session->replica, &domains));
	/* A failure in one domain does not stop the others. */
	EMR_EACH (const emr_id16, domain, &domains) {
		emr_status status = emr_share_renew(visit->share, *domain);

		first = first == EMR_OK ? status : first;
	}
	EMR_TRY(first);
	*due = visit->due_boot_ns = now + DAY_NS;
	return EMR_OK;
}

/* ---- own computers ---- */

/* Others share with a person's first key, and the ledger lets no other ask for theirs or write
 * there.  Said once. */
static emr_status say_what_is_elsewhere(emr_visit *visit)
{
	const uint64_t now = emr_clock_unix_s(emr_clock_system());
	emr_known_writer writer;
	emr_known_grant grant;
	bool is_some = false;
	uint8_t pk[32];
	const emr_bytes bytes = emr_bytes_of(pk, sizeof pk);
	emr_status status = visit->memory == NULL
				    ? emr_keyring_person_pk(visit->session->keyring, pk)
				    : EMR_NOT_FOUND;

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	EMR_ASK(grants, visit->session->replica, GRANTS_TO, .who = emr_sha256_of(&bytes, 1));
	while (!is_some && emr_next(&grants, &grant))
		is_some = emr_grant_phase_at(&grant, now) == EMR_GRANT_IN_FORCE;
	EMR_TRY(grants.status);
	EMR_ASK(writers, visit->session->replica, WRITES_OF, .who = grants.about.who);
	while (!is_some && emr_next(&writers, &writer))
		is_some = writer.row.head.state == EMR_WRITER_ACTIVE &&
			  writer.row.not_after_unix_s > now &&
			  (writer.row.rights & EMR_RIGHT_MANAGE) == 0 && writer.row.rights != 0;
	if (writers.status != EMR_OK || !is_some)
		return writers.status;
	visit->memory = malloc(1);
	if (visit->memory == NULL)
		return EMR_NO_MEMORY;
	emr_notices_add(visit->notices, "shares-elsewhere", "");
	return EMR_OK;
}

emr_status emr_look_devices(emr_visit *visit)
{
	EMR_AUTO_BUF own = {0};
	bool some = false;
	uint64_t n = 0;
	emr_status status;

	if (!is_device(visit)) {
		status = emr_share_pass_on(visit->share, &n);
		if (n > 0)
			emr_log(EMR_LOG_INFO, "office: %llu letters to own computers",
				(unsigned long long)n);
		return status;
	}
	status = emr_share_learn(visit->share, &some);
	if (status == EMR_DENIED) {
		emr_notices_add(visit->notices, "device-removed", "");
		return EMR_OK;
	}
	EMR_TRY(status);
	if (some) {
		/* It may have passed over what is read from now on. */
		emr_chronicle_forget(visit->session->chronicle);
		EMR_TRY(emr_replica_own_domains(visit->session->replica, &own));
		EMR_EACH (const emr_id16, domain, &own)
			EMR_TRY(emr_view_take_in(visit->session->view, *domain));
	}
	return say_what_is_elsewhere(visit);
}
