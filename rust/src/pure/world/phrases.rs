//! What simulated campaigns say, in twelve languages. Own texts, in the grammar of `grammar.rs`.

/// One language.
pub struct Tongue {
    /// ISO 639-1 code; `zh-tw` is Chinese in traditional characters.
    pub code: &'static str,
    /// Charsets its mail comes in, as their labels are written.
    pub charsets: &'static [&'static str],
    /// The first line.
    pub hello: &'static str,
    /// Lines of a body.
    pub lines: &'static [&'static str],
    /// Subjects; `%p%` is the thing offered.
    pub subjects: &'static [&'static str],
    /// Things offered: medicine, watches, games, loans.
    pub goods: [&'static str; 4],
}

/// Spellings of the two words that folding finds.
pub const FOUND: [&str; 16] = [
    "Viagra",
    "VIAGRA",
    "V1agra",
    "V.i.a.g.r.a",
    "Vi@gra",
    "Vιаgrа",
    "v-i-a-g-r-a",
    "Viаgra",
    "Cialis",
    "CIALIS",
    "C1alis",
    "Ci@lis",
    "C.i.a.l.i.s",
    "Сialis",
    "ClALIS",
    "c-i-a-l-i-s",
];
/// Spellings that it does not find: both the literal and the folded measure lose them, as an analyst's search did.
pub const MISSED: [&str; 6] = ["Vaigra", "Viagrra", "Ciallis", "Cia1lis pro", "Vigara", "Calis"];

/// English subjects by topic; `%w%` is where one of the words goes.
pub const PHARMA: [&str; 10] = [
    "%w% at half the usual price",
    "Order %w% today",
    "Your %w% is waiting",
    "%w% without questions",
    "Doctors agree on %w%",
    "Best offer on %w% this week",
    "%w% - delivered discreetly",
    "Men choose %w%",
    "Save on %w% now",
    "Only here: %w%",
];
/// Watches.
pub const REPLICA: [&str; 6] = [
    "{Elegant|Fine|Classic} watches for less",
    "A watch {he|she} will never forget",
    "Time pieces, {Swiss|noble} look",
    "Luxury at your wrist",
    "{Look|Feel} expensive for little",
    "The {weight|shine} of the real thing",
];
/// Games.
pub const CASINO: [&str; 6] = [
    "Your welcome chips are here",
    "Play tonight, win tonight",
    "A lucky seat for you",
    "Double your first deposit",
    "{The table|The wheel} is waiting",
    "{Free|Bonus} rounds until midnight",
];
/// Loans.
pub const LOAN: [&str; 6] = [
    "Your application was looked at",
    "Money before the weekend",
    "Lower your rate",
    "Debt free by summer",
    "{A decision|An answer} within the hour",
    "No history, no problem",
];

/// What the languages say.
pub const TONGUES: [Tongue; 12] = [
    Tongue {
        code: "en",
        charsets: &["utf-8"],
        hello: "Dear %who%,",
        lines: &[
            "We ship {from our own store|straight to your door|in a plain box} within %n% days.",
            "No forms, no waiting room, no questions.",
            "{Thousands|Many thousands} of happy customers.",
            "Prices start at $%n%.%n%.",
            "Offer ends on the %n%th.",
            "Reply to nobody, just visit the page.",
            "Your privacy is our promise.",
            "Made for people {like you|who know what they want}.",
            "Look here before you decide.",
            "A second item for free today.",
            "Trusted since %n%.",
            "{Pay|Settle} {later|when it arrives|in parts}.",
            "This letter was sent to you alone.",
            "{Order|Ask} before %n% o'clock and save %n%%.",
        ],
        subjects: &[
            "{Today|This week} only: %p%",
            "About your %p%",
            "%p%, {half the price|while it lasts}",
        ],
        goods: ["Pills", "watches", "free games", "a new loan"],
    },
    Tongue {
        code: "de",
        charsets: &["iso-8859-1", "utf-8", "windows-1252"],
        hello: "Hallo %who%,",
        lines: &[
            "Wir liefern {direkt nach Hause|ohne Aufsehen} in %n% Tagen.",
            "Keine Formulare, keine Fragen, kein Warten.",
            "Tausende zufriedene Kunden können nicht irren.",
            "Schon ab %n% Euro für Sie.",
            "Dieses Angebot gilt nur noch diese Woche.",
            "Ihre Daten bleiben natürlich bei uns.",
            "Schauen Sie hier, bevor Sie sich entscheiden.",
            "Das zweite Stück bekommen Sie heute geschenkt.",
        ],
        subjects: &[
            "Nur heute: %p%",
            "%p% zum {halben|kleinen} Preis",
            "Für Sie zurückgelegt: %p%",
        ],
        goods: [
            "Pillen aus der Schweiz",
            "edle Uhren",
            "Freispiele über Nacht",
            "Kredit ohne Auskunft",
        ],
    },
    Tongue {
        code: "fr",
        charsets: &["iso-8859-1", "utf-8"],
        hello: "Bonjour %who%,",
        lines: &[
            "Nous livrons {chez vous|en toute discrétion} en %n% jours.",
            "Sans formulaire, sans attente, sans question.",
            "Des milliers de clients déjà satisfaits.",
            "À partir de %n% euros seulement.",
            "L'offre se termine à la fin de la semaine.",
            "Vos données restent entre nous, c'est promis.",
            "Regardez cette page avant de vous décider.",
            "Le deuxième article est offert aujourd'hui.",
        ],
        subjects: &[
            "Seulement aujourd'hui : %p%",
            "%p% à moitié prix",
            "Réservé pour vous : %p%",
        ],
        goods: [
            "des pilules très fortes",
            "montres élégantes",
            "parties gratuites à volonté",
            "un crédit déjà accordé",
        ],
    },
    Tongue {
        code: "es",
        charsets: &["iso-8859-1", "utf-8"],
        hello: "Hola %who%,",
        lines: &[
            "Enviamos {a su casa|sin llamar la atención} en %n% días.",
            "Sin formularios, sin esperas, sin preguntas.",
            "Miles de clientes ya están contentos.",
            "Desde solo %n% euros para usted.",
            "La oferta termina mañana por la noche.",
            "Sus datos se quedan con nosotros, lo prometemos.",
            "Mire esta página antes de decidirse.",
            "El segundo artículo es gratis durante el día de hoy.",
        ],
        subjects: &["Solo hoy: %p%", "%p% a mitad de precio", "Guardado para usted: %p%"],
        goods: [
            "pastillas para el corazón",
            "relojes de señor",
            "juegos sin depósito",
            "préstamo en una mañana",
        ],
    },
    Tongue {
        code: "it",
        charsets: &["iso-8859-1", "utf-8"],
        hello: "Ciao %who%,",
        lines: &[
            "Spediamo {a casa tua|in una scatola anonima} in %n% giorni.",
            "Niente moduli, niente attese, niente domande.",
            "Migliaia di clienti sono già contenti.",
            "A partire da soli %n% euro.",
            "L'offerta finisce questa settimana, perché è troppo buona.",
            "I tuoi dati restano con noi, è una promessa.",
            "Guarda questa pagina prima di decidere.",
            "Il secondo pezzo oggi è in regalo.",
        ],
        subjects: &["Solo oggi: %p%", "%p% a metà prezzo", "Tenuto da parte per te: %p%"],
        goods: [
            "pillole della felicità",
            "orologi eleganti",
            "giri gratis tutta la notte",
            "prestito senza garanzie",
        ],
    },
    Tongue {
        code: "pt",
        charsets: &["iso-8859-1", "utf-8"],
        hello: "Olá %who%,",
        lines: &[
            "Enviamos {para sua casa|sem chamar atenção} em %n% dias.",
            "Sem formulários, sem espera, sem perguntas.",
            "Milhares de clientes já estão satisfeitos.",
            "A partir de apenas %n% reais para você.",
            "A promoção termina nesta semana, não perca.",
            "Seus dados ficam conosco, é uma promessa.",
            "Veja esta página antes de decidir.",
            "O segundo artigo não custa nada hoje.",
        ],
        subjects: &[
            "Somente hoje: %p%",
            "%p% pela metade do preço",
            "Reservado para você: %p%",
        ],
        goods: [
            "comprimidos com desconto",
            "relógios de coleção",
            "jogos grátis até amanhã",
            "empréstimo sem consulta",
        ],
    },
    Tongue {
        code: "nl",
        charsets: &["iso-8859-1", "utf-8"],
        hello: "Beste %who%,",
        lines: &[
            "Wij bezorgen {bij u thuis|in een gewone doos} binnen %n% dagen.",
            "Geen formulieren, geen wachtkamer, geen vragen.",
            "Duizenden klanten gingen u al voor.",
            "Vanaf %n% euro is het al voor u.",
            "Deze aanbieding geldt alleen nog deze week.",
            "Uw gegevens blijven natuurlijk bij ons.",
            "Kijk eerst op deze bladzijde voordat u beslist.",
            "Het tweede stuk krijgt u vandaag cadeau.",
        ],
        subjects: &["Alleen vandaag: %p%", "%p% voor de halve prijs", "Voor u bewaard: %p%"],
        goods: [
            "pillen zonder recept",
            "mooie horloges",
            "gratis spelletjes vannacht",
            "geld lenen zonder vragen",
        ],
    },
    Tongue {
        code: "pl",
        charsets: &["iso-8859-2", "utf-8"],
        hello: "Witaj %who%,",
        lines: &[
            "Wysyłamy {do domu|w zwykłym pudełku} w ciągu %n% dni.",
            "Bez formularzy, bez czekania, bez pytań.",
            "Tysiące klientów już się przekonało.",
            "Ceny zaczynają się od %n% złotych.",
            "Oferta kończy się w tym tygodniu.",
            "Państwa dane zostają u nas, obiecujemy.",
            "Proszę zajrzeć na tę stronę przed decyzją.",
            "Drugą sztukę dodajemy dziś za darmo.",
        ],
        subjects: &["Tylko dzisiaj: %p%", "%p% za pół ceny", "Odłożone dla ciebie: %p%"],
        goods: [
            "tabletki bez recepty",
            "eleganckie zegarki",
            "darmowe gry przez całą noc",
            "pożyczka bez pytań",
        ],
    },
    Tongue {
        code: "ru",
        charsets: &["koi8-r", "windows-1251", "utf-8"],
        hello: "Здравствуйте, %who%!",
        lines: &[
            "Доставим {прямо домой|в простой коробке} за %n% дней.",
            "Без анкет, без очереди, без лишних вопросов.",
            "Тысячи покупателей уже довольны.",
            "Цены начинаются от %n% рублей.",
            "Предложение действует только на этой неделе.",
            "Ваши данные останутся у нас, мы обещаем.",
            "Посмотрите эту страницу, прежде чем решать.",
            "Вторая вещь сегодня достанется вам в подарок.",
        ],
        subjects: &["Только сегодня: %p%", "%p% за полцены", "Отложено для вас: %p%"],
        goods: [
            "таблетки без рецепта",
            "красивые часы",
            "бесплатные игры до утра",
            "деньги в долг без справок",
        ],
    },
    Tongue {
        code: "zh",
        charsets: &["gb2312", "utf-8"],
        hello: "%who% 您好：",
        lines: &[
            "我们{直接送到您家|用普通纸箱发货}，只要%n%天。",
            "不用填表，不用排队，也没有人会问您。",
            "已经有几千位顾客非常满意。",
            "价格从%n%元开始。",
            "这个优惠只到本周末为止。",
            "您的资料我们一定保密。",
            "请先看看这个网页再作决定。",
            "今天购买，第二件免费赠送。",
        ],
        subjects: &["只有今天：%p%", "%p%现在半价", "为您保留的%p%"],
        goods: ["健康药片", "名牌手表", "免费游戏", "快速贷款"],
    },
    Tongue {
        code: "zh-tw",
        charsets: &["big5", "utf-8"],
        hello: "%who% 您好：",
        lines: &[
            "我們{直接送到您家|用普通紙箱發貨}，只要%n%天。",
            "不用填表，不用排隊，也沒有人會問您。",
            "已經有幾千位顧客非常滿意。",
            "價格從%n%元開始。",
            "這個優惠只到本週末為止。",
            "您的資料我們一定保密。",
            "請先看看這個網頁再作決定。",
            "今天購買，第二件免費贈送。",
        ],
        subjects: &["只有今天：%p%", "%p%現在半價", "為您保留的%p%"],
        goods: ["健康藥片", "名牌手錶", "免費遊戲", "快速貸款"],
    },
    Tongue {
        code: "ja",
        charsets: &["shift_jis", "iso-2022-jp", "utf-8"],
        hello: "%who% 様",
        lines: &[
            "{ご自宅まで|普通の箱で}%n%日以内にお届けします。",
            "申込書も待ち時間も質問もありません。",
            "すでに何千人ものお客様が満足しています。",
            "価格は%n%円からです。",
            "このご案内は今週で終わります。",
            "お客様の情報は必ずお守りします。",
            "お決めになる前にこのページをご覧ください。",
            "今日は二つ目を無料で差し上げます。",
        ],
        subjects: &["本日限り：%p%", "%p%が半額です", "あなたのために取り置いた%p%"],
        goods: ["お薬", "高級な時計", "無料のゲーム", "すぐに借りられるお金"],
    },
];

/// A language by its code; English where there is no such.
pub fn tongue(code: &str) -> &'static Tongue {
    TONGUES.iter().find(|t| t.code == code).unwrap_or(&TONGUES[0])
}

/// Boilerplate that groups of one family share.
pub const BOILERPLATE: [&str; 10] = [
    "You receive this letter because you {once asked|are on our list|know our shop}.",
    "To be left alone write {one line|a short line} to the address below.",
    "This {message|letter} was checked by nobody in particular.",
    "All prices in {dollars|the usual currency}, all sizes in the usual sizes.",
    "Our {house|company} has no number, no street and no door.",
    "{Copying|Printing} this letter is {allowed|welcome} but pointless.",
    "Sent by a partner of {a partner|our partner}.",
    "If the picture does not {load|show}, {open|visit} the page.",
    "Terms {may|will} change, promises will not.",
    "Not {valid|meant} where it is not {valid|meant}.",
];

/// Opening of a newsletter's paragraph.
pub const NEWS: [&str; 8] = [
    "{This|Last} week the {garden|workshop|library} opened its doors to {old and new|all its} friends.",
    "Our {reader|neighbour} asks how to {keep|store} {apples|bulbs|tools} through the winter.",
    "A {short|long} walk to the {river|mill|bridge} is planned for {Saturday|Sunday}.",
    "The {choir|band|chess club} is looking for {one more|a second} {voice|player|table}.",
    "{Recipe|Idea} of the week: {soup|bread|jam} from what is left.",
    "In the {archive|attic} we found a {letter|map|photograph} nobody had {read|seen} for years.",
    "{Prices|Opening hours} stay as they are, the {coffee|tea} is new.",
    "Thanks to all who {helped|came|wrote}; there will be {cake|music} next time.",
];
