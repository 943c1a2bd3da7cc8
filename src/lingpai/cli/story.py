"""
The demo's story, as tables.

和园物业集团 runs housing estates. Its owners use a mini-program (twokeys), its staff a back office for several
companies (oppmg), its partners the open platform (zhiyun), its shop is a uniapp (thinkjs), and everybody at work has
a PC and H5 workbench (mowork). All names, numbers and addresses are made up.
"""

from dataclasses import dataclass

from lingpai.vocabulary.values import Client, Company, Sex, User

# fmt: off
COMPANIES = (
    # Numbered from 1, as the users below name them.
    Company(0, "和园物业集团有限公司",           tax_number="91330100MA00HY0001", province="浙江省", city="杭州市",
            zone="西湖区", address="和园路18号和园大厦12层", tel_phone="0571-00000018",
            legal_person_name="林知远", legal_person_phone="13900000018"),
    Company(0, "和园物业服务(杭州)有限公司", tax_number="91330106MA00HY0002", province="浙江省", city="杭州市",
            zone="余杭区", address="良睦路66号和园东苑服务中心", tel_phone="0571-00000066",
            legal_person_name="王芳",   legal_person_phone="13900000002"),
    Company(0, "和园商业管理有限公司",           tax_number="91330105MA00HY0003", province="浙江省", city="杭州市",
            zone="拱墅区", address="丽水路7号和园集市2楼", tel_phone="0571-00000007",
            legal_person_name="陈静",   legal_person_phone="13900000006"),
    Company(0, "临安拾光家政服务部", type="2",    tax_number="92330112MA00SG0004", province="浙江省", city="杭州市",
            zone="临安区", address="钱王街3号",
            legal_person_name="何晓梅", legal_person_phone="13900000011"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """
    A user of the demo.

    Args:
        works_in: Companies by number, an administrator's with a star; the first is the one they work in.
        does: What they are in the story, in Chinese and English.
        phone: Its last four digits; the number is proved, so that it is good to sign in with where a contract allows.

    """

    name: str
    truename: str
    sex: Sex
    phone: str
    works_in: str
    does: tuple[str, str]
    role: str = ""
    enabled: bool = True

    def profile(self, created: int) -> User:
        """Return the user as it is added."""
        return User(
            id=0, name=self.name, name_key="", password="", truename=self.truename, nickname=self.truename[-2:],
            sex=self.sex, phone=f"1390000{self.phone}", phone_verified=True, role=self.role, created=created,
        )


F, M = Sex.FEMALE, Sex.MALE
PEOPLE = (
    Person("admin",        "林知远", M, "0018", "1*",     ("系统管理员", "runs the system"), role="admin"),
    Person("wangfang",     "王芳",   F, "0002", "2*,1,3", ("物业经理", "manages the estates")),
    Person("liqiang",      "李强",   M, "0003", "1,2",    ("工程主管", "head of engineering")),
    Person("zhangwei",     "张伟",   M, "0004", "2",      ("维修工", "repairs")),
    Person("liuyang",      "刘洋",   M, "0005", "2",      ("前台", "front desk")),
    Person("chenjing",     "陈静",   F, "0006", "3*,1",   ("商城经理", "manages the shop")),
    Person("zhaolei",      "赵磊",   M, "0007", "1",      ("会计", "accounts")),
    Person("sunli",        "孙丽",   F, "0008", "2,3",    ("客服", "customer care")),
    Person("zhouming",     "周明",   M, "0009", "2",      ("已离职", "left the company"), enabled=False),
    Person("wutao",        "吴涛",   M, "0010", "2",      ("保安", "security")),
    Person("hexiaomei",    "何晓梅", F, "0011", "4*",     ("合作方：家政老板", "partner: owns a cleaning firm")),
    Person("gaofei",       "高飞",   M, "0012", "4",      ("合作方：保洁员", "partner: cleans")),
    Person("xujie",        "徐杰",   F, "0013", "",       ("业主，东苑3-1-602", "owner, 东苑 3-1-602")),
    Person("malin",        "马琳",   F, "0014", "",       ("业主，商城常客", "owner, shops much")),
    Person("zhuqing",      "朱青",   F, "0015", "",       ("业主", "owner")),
    Person("guoyan",       "郭岩",   M, "0016", "",       ("业主", "owner")),
    Person("linna",        "林娜",   F, "0017", "",       ("租户", "tenant")),
    Person("luojun",       "罗军",   M, "0019", "",       ("业主", "owner")),
    Person("tangxin",      "唐昕",   F, "0020", "",       ("租户", "tenant")),
    Person("songyu",       "宋羽",   M, "0021", "",       ("业主", "owner")),
    Person("dengli",       "邓力",   M, "0022", "",       ("业主", "owner")),
)


@dataclass(frozen=True, slots=True)
class Program:
    """A client app of the demo: what it is, and how long its secret is."""

    client: Client
    does: tuple[str, str]
    secret_size: int


PROGRAMS = (
    # The first one of a contract is the one that it is tried with.
    Program(Client("", "和园业主小程序", contracts=frozenset({"twokeys"})),
            ("小程序", "mini-program"), 20),
    Program(Client("", "和园桌面助手",   contracts=frozenset({"zhiyun"}), scope="basic notice", desktop=True),
            ("桌面程序", "desktop"), 16),
    Program(Client("", "拾光家政",       contracts=frozenset({"zhiyun"}), scope="basic notice"),
            ("脱敏数据", "sees masked"), 16),
    Program(Client("", "和园财务对账",   contracts=frozenset({"zhiyun"}), scope="basic full notice"),
            ("完整数据", "sees whole"), 16),
    Program(Client("", "旧版业主App",    contracts=frozenset({"twokeys", "zhiyun"}), scope="basic", enabled=False),
            ("已停用", "disabled"), 20),
)

NOTICES = (
    # Author, title, content; the last one is shown first.
    ("wangfang", "和园东苑电梯年检",   "10月12日8:00至17:00，3幢1单元电梯停运年检，请走2单元连廊。"),
    ("sunli",    "快递柜搬迁",         "东门快递柜已迁至地下车库B1入口，取件码不变。"),
    ("chenjing", "和园集市周末开市",   "本周六10:00起，业主凭小程序付款享九折。"),
    ("liqiang",  "二次供水水箱清洗",   "周三22:00至次日5:00停水，请提前储水。"),
    ("admin",    "业主大会通知",       "月底在和园大厦12层会议室召开，线上投票同步开放。"),
)

SESSIONS = (
    # Contract, user, client type: who is signed in, over contracts with bearer tokens.
    ("mowork",  "zhangwei",  "pc"),
    ("mowork",  "zhangwei",  "ios"),
    ("mowork",  "liqiang",   "h5"),
    ("twokeys", "xujie",     ""),
    ("twokeys", "malin",     ""),
    ("zhiyun",  "hexiaomei", ""),
    ("zhiyun",  "gaofei",    ""),
    ("zhiyun",  "wangfang",  ""),
)

TRIED_BY = {
    # Contract: who tries it first, and what they do with it.
    "mowork":  ("zhangwei",  ("维修工张伟登录工作台", "Zhang Wei, repairs, signs in at the workbench")),
    "oppmg":   ("wangfang",  ("经理王芳登录管理后台", "Wang Fang, manager, signs in at the back office")),
    "twokeys": ("xujie",     ("业主徐杰登录小程序",   "Xu Jie, owner, signs in at the mini-program")),
    "zhiyun":  ("hexiaomei", ("合作方何晓梅登录桌面助手", "He Xiaomei, partner, signs in at the desktop program")),
    "thinkjs": ("malin",     ("业主马琳登录和园商城", "Ma Lin, owner, signs in at the shop")),
}
# fmt: on
