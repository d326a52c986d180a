"""Print, as JSON, the ids of the function versions that SAM makes of a template: LAYER is where the layer's code lies.

Run by the Python of the SAM command line: ``versions.py TEMPLATE LAYER``.
"""

import json
import sys
from pathlib import Path

import boto3
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

template = yaml_parse(Path(sys.argv[1]).read_text())
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"].pop("CodeUri", None)
template["Globals"]["Function"]["CodeUri"] = "s3://artifacts/functions"
template["Resources"]["Workflow"]["Properties"]["DefinitionUri"] = "s3://artifacts/machine"
template["Resources"]["CodeLayer"]["Properties"]["ContentUri"] = f"s3://artifacts/{sys.argv[2]}"
defaults = {name: one.get("Default") for name, one in template["Parameters"].items()}
translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
resources = translator.translate(template, defaults)["Resources"]
sys.stdout.write(json.dumps(sorted(name for name, one in resources.items() if one["Type"] == "AWS::Lambda::Version")))
