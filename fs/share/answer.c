#include "base/log.h"

#include "judge.h"

emr_status desk_refuse(desk *d, const question *q, emr_signer who, uint8_t code)
{
	emr_asked asked = question_asked(q);
	AUTO_PARCEL p = {0};
	emr_act act;
	emr_status status = parcel_begin(d->share, who, &p);

	if (status != EMR_OK)
		return status;
	act = emr_act_served(q->domain, p.signer, q->req, q->access, EMR_SERVED_REFUSED, 0, code);
	status = parcel_prepare(&p, &act);
	if (status == EMR_OK)
		status = emr_served_part_seal_refusal(emr_buf_view(&p.item), &asked, &p.part);
	if (status == EMR_OK)
		status = parcel_add(&p, &act, NULL);
	return status == EMR_OK ? parcel_send(&p) : status;
}

emr_status desk_pass_over(emr_status status, const char *what)
{
	bool is_its_own = status == EMR_DAMAGED || status == EMR_BAD_SIGNATURE ||
			  status == EMR_MISSING_DATA || status == EMR_UNSUPPORTED ||
			  status == EMR_DENIED || status == EMR_REFUSED;

	if (is_its_own)
		emr_log(EMR_LOG_WARN, "%s was passed over: %s", what, emr_status_text(status));
	return is_its_own || status == EMR_NOT_FOUND ? EMR_OK : status;
}
