"""Languages: sentences of our own in each that can be told, what has none, and how sure the answer is on real mail."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from spamtide.fingerprint import digest
from spamtide.fingerprint.kernel import RecordBatch
from spamtide.message import LANGUAGES

SENTENCES = {
    "ar": "عزيزي العميل، لقد تم إيقاف حسابك مؤقتا. يرجى تسجيل الدخول لتأكيد بياناتك في أقرب وقت ممكن. "
    "إذا لم تقم بذلك خلال يومين فسوف نضطر إلى إغلاق الحساب نهائيا.",
    "bg": "Уважаеми клиенти, вашата поръчка беше изпратена днес и ще пристигне до края на седмицата. Благодарим ви.",
    "cs": "Vážený zákazníku, vaše objednávka byla dnes odeslána a měla by dorazit do konce týdne. Děkujeme vám za důvěru.",
    "da": "Kære kunde, din ordre er blevet afsendt i dag og vil nå frem inden udgangen af ugen. Tak fordi du handlede hos os.",
    "de": "Sehr geehrter Kunde, Ihre Bestellung wurde heute verschickt und kommt noch in dieser Woche an. Wir danken Ihnen.",
    "el": "Αγαπητέ πελάτη, η παραγγελία σας στάλθηκε σήμερα και θα φτάσει μέχρι το τέλος της εβδομάδας.",
    "en": "Dear customer, your order has been sent today and should arrive before the end of the week. Thank you for buying.",
    "es": "Estimado cliente, su pedido ha sido enviado hoy y llegará antes de que termine la semana. Gracias por su compra.",
    "fa": "مشتری گرامی، سفارش شما امروز ارسال شد و تا پایان هفته به دست شما خواهد رسید. از خرید شما سپاسگزاریم.",
    "fi": "Hyvä asiakas, tilauksesi on lähetetty tänään ja se saapuu viimeistään viikon lopussa. Kiitämme luottamuksestasi.",
    "fr": "Cher client, votre commande a été envoyée aujourd'hui et devrait arriver avant la fin de la semaine. Merci.",
    "he": "לקוח יקר, ההזמנה שלך נשלחה היום ותגיע עד סוף השבוע. תודה שקנית אצלנו.",
    "hi": "प्रिय ग्राहक, आपका ऑर्डर आज भेज दिया गया है और सप्ताह के अंत तक पहुँच जाएगा। धन्यवाद।",
    "hr": "Poštovani kupče, vaša narudžba je danas poslana i trebala bi stići do kraja tjedna. Hvala vam na povjerenju.",
    "hu": "Tisztelt ügyfelünk, a megrendelését ma feladtuk, és várhatóan a hét végéig megérkezik. Köszönjük a vásárlást.",
    "id": "Pelanggan yang terhormat, pesanan Anda sudah dikirim hari ini dan akan tiba sebelum akhir pekan. Terima kasih.",
    "it": "Gentile cliente, il suo ordine è stato spedito oggi e dovrebbe arrivare entro la fine della settimana. Grazie.",
    "ja": "お客様のご注文は本日発送いたしました。今週末までにお届けする予定です。ありがとうございます。",
    "ko": "고객님, 주문하신 상품이 오늘 발송되었으며 이번 주말까지 도착할 예정입니다. 감사합니다.",
    "nb": "Hei, vi har nettopp oppdaget at betalingen din ikke gikk gjennom. Du må logge deg inn på nytt innen tre dager, "
    "ellers blir kontoen stengt. Har du spørsmål, så ta kontakt med oss på telefon hver dag mellom åtte og fire. Hvis du "
    "allerede har betalt, kan du se bort fra denne meldingen. Vi beklager bryderiet og ønsker deg en fin uke videre.",
    "nl": "Beste klant, uw bestelling is vandaag verzonden en zal voor het einde van de week aankomen. Bedankt voor uw aankoop.",
    "pl": "Szanowny Kliencie, Twoje zamówienie zostało dziś wysłane i powinno dotrzeć do końca tygodnia. Dziękujemy.",
    "pt": "Prezado cliente, o seu pedido foi enviado hoje e deve chegar antes do fim da semana. Obrigado pela sua compra.",
    "ro": "Stimate client, comanda dumneavoastră a fost trimisă astăzi și ar trebui să ajungă până la sfârșitul săptămânii.",
    "ru": "Уважаемый клиент, ваш заказ отправлен сегодня и должен прийти до конца недели. Спасибо за покупку. "
    "Если вы ещё не получили подтверждение, проверьте, пожалуйста, правильно ли указан адрес вашей электронной почты.",
    "sv": "Kära kund, din beställning har skickats i dag och bör komma fram före slutet av veckan. Tack för att du handlar här.",
    "th": "เรียนลูกค้า คำสั่งซื้อของคุณถูกจัดส่งแล้ววันนี้และจะถึงภายในสิ้นสัปดาห์ ขอบคุณ",
    "tr": "Sayın müşterimiz, siparişiniz bugün gönderildi ve hafta sonuna kadar elinize ulaşacak. Teşekkür ederiz.",
    "uk": "Шановний клієнте, ваше замовлення відправлено сьогодні і має надійти до кінця тижня. Дякуємо за покупку.",
    "ur": "محترم صارف، آپ کا آرڈر آج بھیج دیا گیا ہے اور ہفتے کے آخر تک پہنچ جائے گا۔ خریداری کا شکریہ۔",
    "vi": "Kính gửi quý khách, đơn hàng của quý khách đã được gửi hôm nay và sẽ đến trước cuối tuần. Xin cảm ơn.",
    "zh": "尊敬的客户，您的订单今天已经发出，预计本周末之前送达。感谢您的购买。",
}
NONE = {
    "nothing": "",
    "one word": "hi",
    "numbers": "12345 67890 555-1234",
    "a link": "http://pills.example/buy?now=1",
    "tokens": "x7Gq9 zz81k0 QWPX-20211 0x4070, 0x2346, l5u6: 6ah k40 ssra",
    "names": "MedHelp 7806563",
}


def languages(*mails: bytes) -> list[str]:
    batch = RecordBatch()
    for i, raw in enumerate(mails):
        batch.push(i, 0, b"{}", raw)
    return [str(x) for x in digest(1, batch)["message"]["language"].to_pylist()]


def mail(text: str, subject: str = "") -> bytes:
    head = f"From: a@sender.example\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n"
    return (head + text + "\n").encode()


def test_every_language_on_the_list_is_told() -> None:
    assert {*SENTENCES, "und"} == set(LANGUAGES)
    assert dict(zip(SENTENCES, languages(*map(mail, SENTENCES.values())), strict=True)) == {c: c for c in SENTENCES}


@pytest.mark.parametrize("text", NONE.values(), ids=NONE)
def test_what_says_too_little_has_none(text: str) -> None:
    assert languages(mail(text), mail("", text)) == ["und", "und"]


def test_a_subject_counts_where_there_is_no_text_and_the_text_counts_first() -> None:
    assert languages(mail("", SENTENCES["fr"]), mail(SENTENCES["de"] * 9, SENTENCES["en"])) == ["fr", "de"]


def test_the_charset_says_nothing_the_text_does() -> None:
    head = b"From: a@sender.example\nContent-Type: text/plain; charset=koi8-r\n\n"
    assert languages(head + b"Dear customer, your order has been sent today and should arrive this week.\n") == ["en"]


def test_hidden_text_does_not_count() -> None:
    hidden = f"<div style='display:none'>{SENTENCES['en'] * 5}</div><p>{SENTENCES['es']}</p>"
    head = b"From: a@sender.example\nSubject: x\nContent-Type: text/html; charset=utf-8\n\n"
    assert languages(head + hidden.encode()) == ["es"]


def test_search_by_language(spamtide, tmp_path: Path) -> None:
    for code in ("de", "fr"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"{code}.eml").write_bytes(
            b"Date: Wed, 16 Mar 2011 14:45:00 +0000\n" + mail(SENTENCES[code], code)
        )
    spamtide("init", tmp_path / "w")
    assert spamtide("--workspace", tmp_path / "w", "import", tmp_path / "in", "--feed", "trap").code == 0
    found = spamtide("--workspace", tmp_path / "w", "search", "language:fr", "--jsonl").rows
    assert [(r["subject"], r["language"]) for r in found] == [("fr", "fr")]
    refused = spamtide("--workspace", tmp_path / "w", "search", "language:klingon")
    assert refused.code == 2
    assert "'klingon' is no language" in refused.err and "de, el, en" in refused.err


def test_old_english_ham_is_english(spamtide, corpus: Path, tmp_path: Path) -> None:
    spamtide("init", tmp_path / "w")
    name = "spamassassin-ham"
    spamtide("--workspace", tmp_path / "w", "import", corpus / f"{name}.mbox.xz", "--feed", name)
    seen = Counter(r["language"] for r in spamtide("--workspace", tmp_path / "w", "search", "", "--jsonl").rows)
    print(seen)
    assert seen["en"] / seen.total() >= 0.95
    assert (seen.total() - seen["en"] - seen["und"]) / seen.total() <= 0.005
