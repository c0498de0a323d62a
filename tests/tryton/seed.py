"""Fill a new Tryton database with a small shop: what the connector's tests need, and no more.

usage: seed.py DATABASE CONFIG      prints JSON: the ids, and the integration user's REST key
"""
import datetime
import json
import os
import sys
from decimal import Decimal

database, configuration = sys.argv[1:]
os.environ["TRYTOND_CONFIG"] = configuration
os.environ["TRYTOND_DATABASE_URI"] = "sqlite://"  # proteus reads this one, not the file

from proteus import Model, config  # noqa: E402
from trytond.modules.account.tests.tools import create_chart, create_tax, get_accounts  # noqa: E402
from trytond.modules.account_invoice.tests.tools import (  # noqa: E402
    create_payment_term, set_fiscalyear_invoice_sequences)
from trytond.modules.company.tests.tools import create_company, get_company  # noqa: E402
from trytond.modules.currency.tests.tools import get_currency  # noqa: E402

config.set_trytond(database=database, user="admin", config_file=configuration)

create_company(currency=get_currency("USD"))
company = get_company()
eur = get_currency("EUR")
create_chart()
accounts = get_accounts()

# Orders of any date near today can be invoiced: last year, this one and the next.
this_year = datetime.date.today().year
Sequence = Model.get("ir.sequence.strict")
move_sequence_type, = Model.get("ir.sequence.type").find([("name", "=", "Account Move")], limit=1)
for year in range(this_year - 1, this_year + 2):
    sequence = Sequence(name=str(year), sequence_type=move_sequence_type, company=company)
    sequence.save()
    fiscal_year = Model.get("account.fiscalyear")(
        name=str(year), company=company, move_sequence=sequence,
        start_date=datetime.date(year, 1, 1), end_date=datetime.date(year, 12, 31))
    set_fiscalyear_invoice_sequences(fiscal_year)
    fiscal_year.save()
    fiscal_year.click("create_period")

# Two rates, so that a wrongly mapped tax line changes a total.
taxes = {}
for name, rate in (("VAT10", "0.10"), ("CA725", "0.0725")):
    tax = create_tax(Decimal(rate))
    tax.name = tax.description = name
    tax.save()
    taxes[name] = tax.id

category = Model.get("product.category")(
    name="Goods", accounting=True,
    account_expense=accounts["expense"], account_revenue=accounts["revenue"])
category.save()
Uom = Model.get("product.uom")
unit, = Uom.find([("name", "=", "Unit")])
kilogram, = Uom.find([("name", "=", "Kilogram")])


def product(code, name, uom, kind, price):
    template = Model.get("product.template")(
        name=name, code=code, default_uom=uom, type=kind, salable=True,
        list_price=Decimal(price), account_category=category)
    template.save()
    return template.products[0]


prices = ["10", "25.50", "19.99", "5", "0.10", "149", "1299.95"]
goods = [product(f"SKU-{n}", f"Product {n}", unit, "goods", p) for n, p in enumerate(prices, 1)]
goods.append(product("SKU-8", "Cheese by weight", kilogram, "goods", "18.40"))
services = [product(code, name, unit, "service", "0") for code, name in (
    ("SHIPPING", "Shipping"), ("DISCOUNT", "Discount"), ("TIP", "Tip"), ("ADJUSTMENT", "Adjustment"))]

Location = Model.get("stock.location")
storage, = Location.find([("code", "=", "STO")])
warehouse, = Location.find([("code", "=", "WH")])


def place(name):
    record = Location(name=name, type="storage")
    record.save()
    return record


# The warehouse of a store: its places come first, and are put into it when it is there.
parts = {f"{part}_location": place(f"Store 12 {part}") for part in ("input", "output", "storage")}
store = Location(
    name="Store 12", code="S12", type="warehouse",
    lost_found_location=warehouse.lost_found_location, **parts)
store.save()
for part in parts.values():
    part.parent = store
    part.save()

for shelf in (storage, parts["storage_location"]):
    inventory = Model.get("stock.inventory")(location=shelf)
    for item in goods:
        line = inventory.lines.new(product=item)
        line.quantity = 100000.0
        line.expected_quantity = 0.0
    inventory.click("confirm")

payment_term = create_payment_term()
payment_term.save()
Party = Model.get("party.party")


def party(name, code):
    record = Party(name=name, code=code, customer_payment_term=payment_term)
    record.save()
    return record


# A sale of the shop's guest party can never be quoted: it stands for "nobody yet". Orders without
# a customer account are booked on a party of their own, with the order's address.
guest = party("Nobody", "GUEST")
walk_in = party("Web customers", "WEB")
address = walk_in.addresses[0]
address.street, address.city, address.postal_code = "1 Main St", "Springfield", "12345"
walk_in.save()

Country = Model.get("country.country")
for code, name, code3 in (("US", "United States", "USA"), ("CA", "Canada", "CAN"), ("DE", "Germany", "DEU")):
    country = Country(name=name, code=code, code3=code3)
    country.save()
    if code == "US":
        Model.get("country.subdivision")(
            country=country, code="US-CA", name="California", type="state").save()

shop = Model.get("web.shop")(name="Crossdock", company=company, currency=company.currency, guest_party=guest)
shop.warehouses.append(Location(warehouse.id))
shop.save()

User = Model.get("res.user")
user = User(name="Crossdock", login="crossdock")
for group in Model.get("res.group").find([]):
    user.groups.append(Model.get("res.group")(group.id))
Company = Model.get("company.company")
user.companies.append(Company(company.id))
user.company = Company(company.id)
user.save()
application = Model.get("res.user.application")(user=user, application="rest")
application.save()
application.reload()
if application.state == "requested":
    application.click("validate_")

print(json.dumps({
    "key": application.key,
    "company": company.id,
    "currencies": {"USD": company.currency.id, "EUR": eur.id},
    "shop": shop.id,
    "guest": guest.id,
    "party": walk_in.id,
    "address": address.id,
    "payment_term": payment_term.id,
    "warehouse": warehouse.id,
    "storage": storage.id,
    "store_warehouse": store.id,
    "taxes": taxes,
    "products": {p.code: p.id for p in goods + services},
    "units": {"unit": unit.id, "kilogram": kilogram.id},
}))
